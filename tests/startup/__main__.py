"""Print which combinations started: ``python -m tests.startup``."""

import argparse

from tests.startup.combinations import results_folder, summary


def main() -> None:
    """Run the command line."""
    argparse.ArgumentParser(
        prog='python -m tests.startup',
        description='Print as a table which (network, method) combinations `make startup-test` has run.',
        epilog='example: python -m tests.startup > combinations.md',
    ).parse_args()
    print('\n'.join(summary(results_folder())))


if __name__ == '__main__':
    main()
