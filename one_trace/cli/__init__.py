"""The commands: one file per verb, arguments in, one call, one page or document out.

`app` lists the verbs, `out` prints answers and errors, `params`, `filters` and `bounded` hold the options
that several verbs share. Commands may use every other room except `main`. They compute nothing themselves:
figures come from `analyse`, documents from `answers`, pages from `view`. Other rooms do not import this one.
"""
