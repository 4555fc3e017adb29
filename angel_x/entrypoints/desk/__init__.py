"""The desk: web pages for traders and operators, on the public API and its stream only.

``views`` turns records into texts and needs no library of the web; ``pages`` shows them.
"""
