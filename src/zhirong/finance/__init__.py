"""Finance: what a value can carry. Loans, insurance, securities, equity and funds on patents; products do not know each other."""
