"""Filters › Harmonize Selection for GIMP 3.0 and 3.2.

```
procedure      what GIMP knows: procedures, their arguments, how a run ends
dialog         the window: `widgets`, `preview`, `variant_strip`; `views` of the image; `live` talks to the daemon from
               its event loop
choices        what both share: GIMP's configuration as `options`, progress, notes
tasks          what a run is to do: which layers, with which options, made anew from which others
harmonize      one run: read, predict, render, write
layers         which layers, and whether they can be harmonized
scene          a duplicate of the image: what lies below, references
reading        pixels, masks, thumbnails out of GIMP, by way of `buffers`
writing        a new layer, replaced pixels, or editable curves into GIMP
curves         editable curves: a filter on a layer
record         what is stored with a layer, to harmonize it again
options geometry pixels masks compare states live variants errors words      need no GIMP
```

Standard library, `gi` and `harmonize_client` only: this runs in whatever Python GIMP brings.
"""
