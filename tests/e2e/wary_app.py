"""The portal, wary already of few claims that leave it: to see how it asks for a proof."""

import app
from db import exports

if __name__ == '__main__':
    exports.CONFIRM_ABOVE = 1
    app.main()
