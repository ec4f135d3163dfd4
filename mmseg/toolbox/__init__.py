"""What is not the method: preparing and looking at data, the published tables, test runs, reports, exports."""
