"""Basic values of all other rooms: money, moments, dated tables, random draws."""
