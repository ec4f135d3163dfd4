"""Pictures that a run draws: class maps in colour, panels side by side, debug pictures."""
