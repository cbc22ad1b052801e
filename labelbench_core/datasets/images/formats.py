"""Which files are images, by the ending of their name: fixed here, the same on every machine.

A test compares the lists with what Pillow registers, so that nothing it can open is forgotten.
"""

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "DIB": (".dib",),
    "QOI": (".qoi",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
    "PCX": (".pcx",),
    "DCX": (".dcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "SUN": (".ras",),
    "ICO": (".ico",),
    "CUR": (".cur",),
    "ICNS": (".icns",),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
    "MSP": (".msp",),
    "IM": (".im",),
    "DDS": (".dds",),
    "FTEX": (".ftc", ".ftu"),
    "BLP": (".blp",),
    "GBR": (".gbr",),
    "PIXAR": (".pxr",),
    "FLI": (".fli", ".flc"),
}
"""Format, as Pillow calls it → extensions that are read; the commonest formats first."""

REFUSED = {
    "EPS": ((".eps", ".ps"), "a drawing, rendered by another program, Ghostscript"),
    "PDF": ((".pdf",), "pages, not an image"),
    "WMF": ((".wmf", ".emf"), "a drawing, which only Windows renders"),
    "SVG": ((".svg", ".svgz"), "a drawing, which Pillow cannot read"),
    "PSD": ((".psd", ".psb"), "layers; the flattened image in it may be missing or outdated"),
    "PCD": ((".pcd",), "Pillow reads only a small preview"),
    "FITS": ((".fit", ".fits"), "measurements, which do not define white"),
    "HDF5": ((".h5", ".hdf", ".hdf5"), "a container, which Pillow cannot decode"),
    "GRIB": ((".grib",), "a container, which Pillow cannot decode"),
    "BUFR": ((".bufr",), "a container, which Pillow cannot decode"),
    "IPTC": ((".iim",), "a container of press agencies"),
    "MPEG": ((".mpg", ".mpeg"), "a film, which Pillow cannot decode"),
    "HEIF": ((".heic", ".heif"), "Pillow has no decoder"),
    "JPEGXL": ((".jxl",), "Pillow has no decoder"),
    "RAW": ((".dng", ".cr2", ".nef", ".arw"), "raw sensor data, not yet developed"),
    "ARRAY": ((".npy", ".npz", ".dcm"), "not an image file"),
}
"""Format → its extensions and why it is not read; apart from files that are not images at all."""

READ_FORMATS = tuple(SUFFIXES)
READ_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
REFUSED_SUFFIXES = tuple(suffix for suffixes, _ in REFUSED.values() for suffix in suffixes)
