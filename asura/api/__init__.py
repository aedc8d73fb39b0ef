"""The HTTP interface: one module a resource, thin handlers over the stages and the store.

A handler is declared on a `Routes`, which is the only way to a URL under `/api/`: there its permission, its limits
and its types are named once, enforced for every request, and told in the OpenAPI document.
"""
