"""Names of earlier releases."""

from mmengine.config import Config

from mmseg.config.legacy import modernise


def test_names_and_keys_of_published_checkpoints() -> None:
    cfg = Config(
        {
            'model': {
                'type': 'MultiResEncoderDecoder',
                'backbone': {'type': 'mit_b5', 'ema_drop_path_rate': 0.1},
                'decode_head': {
                    'type': 'MultiResAttentionWrapper',
                    'single_scale_head': 'UniHead',
                    'decoder_params': {'fusion_cfg': {'type': 'conv', 'fusion': 'x'}},
                },
            },
            'data': {
                'test': {'pipeline': [{'type': 'LoadImageFromFile'}, {'img_scale': [1024, 512]}]},
                'train': {'source': {'pipeline': [{'img_scale': [[8, 4], [4, 2]]}, {'img_scale': None}]}},
            },
        }
    )
    modernise(cfg)
    assert cfg.model.type == 'HRDAEncoderDecoder'
    assert cfg.model.backbone.to_dict() == {'type': 'mit_b5'}
    assert cfg.model.decode_head.type == 'HRDAHead'
    assert cfg.model.decode_head.single_scale_head == 'DAFormerHead'
    assert cfg.model.decode_head.decoder_params.fusion_cfg.to_dict() == {'type': 'conv'}
    assert cfg.data.test.pipeline[1].img_scale == (1024, 512)
    assert cfg.data.train.source.pipeline[0].img_scale == [(8, 4), (4, 2)]
    assert cfg.data.train.source.pipeline[1].img_scale is None


def test_unihead_alone_and_configurations_without_model() -> None:
    cfg = Config({'model': {'type': 'EncoderDecoder', 'decode_head': {'type': 'UniHead'}}})
    modernise(cfg)
    assert cfg.model.decode_head.type == 'DAFormerHead'
    modernise(Config({'seed': 1}))
