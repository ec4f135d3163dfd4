"""``python -m mmseg NAME ...`` is ``mmseg-uda NAME ...``."""

from mmseg.programs import main

if __name__ == '__main__':
    main()
