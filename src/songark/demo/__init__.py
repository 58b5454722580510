"""The whole story told on real music, each claim checked as it is made."""
