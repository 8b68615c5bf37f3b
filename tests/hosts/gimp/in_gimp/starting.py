"""One call, in a GIMP that finds no daemon running."""

import support

image, _background, figure = support.composite()
status, message = support.call(image, [figure])
support.say(case="starting", status=status, message=message, layers=[layer.get_name() for layer in image.get_layers()])
