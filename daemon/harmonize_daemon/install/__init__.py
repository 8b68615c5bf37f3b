"""Puts the plug-ins where GIMP and Krita look for them.

```
gimp, krita     what is put where: one `Program` each
common          checks, copies, renames, removes: the same for both
programs        which programs there are
catalogs        translations: .po to .mo
dist            zips for installing by hand
```
"""
