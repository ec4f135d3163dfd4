# HRDA with DIDA's instance bank: two configurations put together, no code of its own. See configs/hrda/ and
# gta2cs_dida_clean.py.
_base_ = ['../hrda/gtaHR2csHR_hrda.py']

uda = dict(
    instance_bank=dict(
        mode='clean',
        bank_size=300,
        # Bank and loss look at the context crop, which covers the whole image; True adds the detail crop.
        detail=False,
    )
)

exp = 'dida'
name = 'gtaHR2csHR_hrda_dida_clean_s1'
name_uda = 'dida_clean_a999_fdthings_rcs0.01-2.0_cpl2'
