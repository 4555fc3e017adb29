"""Option chains: priced chunks, their publication and the measures of an expiry."""
