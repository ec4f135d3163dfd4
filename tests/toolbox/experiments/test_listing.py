"""The list of experiments."""

from itertools import groupby

from mmseg.toolbox.experiments.listing import describe_experiments, experiment_table


def test_list_for_machines() -> None:
    entries = {entry['id']: entry for entry in describe_experiments()}
    assert entries['5']['runs'] == 21
    assert entries['6']['published_miou'] == {'daformer_sepaspp': 68.3}
    assert entries['daformer-7']['names'][0] == (
        'syn2cs_dacs_a999_fdthings_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s0'
    )
    assert all(entry['runs'] == len(entry['names']) > 0 for entry in entries.values())


def test_list_for_people_is_grouped_by_paper() -> None:
    text = experiment_table()
    assert text.index('DAFormer\n') < text.index('Table 1')
    assert 'daformer_sepaspp 68.3' in text


def test_a_paper_is_one_group() -> None:
    papers = [entry['paper'] for entry in describe_experiments()]
    assert len(list(groupby(papers))) == len(set(papers))
