"""The errors a user can cause and can mend."""


class InputError(ValueError):
    """Bad input from outside: configuration, data, weights, a damaged file.

    The message is complete for its reader: it names the file, the key, the value and what is
    allowed. Job scripts print it alone, without a traceback.
    """
