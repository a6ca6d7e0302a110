"""How the result of each study is judged: a module per study, `judge(result) -> list[Finding]`.

Rules are functions of the result alone and import `evidence` only. The words under which a result
has its parts, as the names of methods, are here too. Changing a rule does not outdate any cell:
these modules do not count for the digest of a study's sources.
"""
