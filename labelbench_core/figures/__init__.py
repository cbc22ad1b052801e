"""The figures of an experiment, drawn from the tables that `tabulate` wrote."""
