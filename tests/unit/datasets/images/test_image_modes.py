"""Every mode that Pillow has: converted rightly, against plain arithmetic, or refused by name."""

import numpy as np
import pytest
from PIL import Image, ImageMode

from helpers.image_files import encoded, png, tiff
from labelbench_core.datasets.images._pixels import GROUNDS, to_rgb
from labelbench_core.datasets.images.decoding import decode
from labelbench_core.errors import InputError

SIZE = 16
GREY = np.tile(np.linspace(0, 255, SIZE).round().astype(np.uint8), (SIZE, 1))
RGB = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
ALPHA = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 1), dtype=np.uint8)


def three(grey):
    return np.repeat(np.asarray(grey)[..., None], 3, axis=-1)


def over(colors, alpha, ground="white"):
    """Colours over a ground, in floating point."""
    share = np.asarray(alpha, float).reshape(SIZE, SIZE, 1) / 255
    return colors * share + np.array(GROUNDS[ground]) * (1 - share)


def lab_in_srgb(lab):
    """CIE 15 and IEC 61966-2-1, adapted to D50 (Bradford); L in 0..255, a and b from -128."""
    light = (lab[..., 0] * 100 / 255 + 16) / 116
    a, b = lab[..., 1] - 128.0, lab[..., 2] - 128.0
    cubes = np.stack([light + a / 500, light, light - b / 200], axis=-1)
    xyz = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    xyz *= [0.96422, 1.0, 0.82521]
    to_linear = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    linear = np.clip(xyz @ np.array(to_linear).T, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curved


def premultiplied(mode):
    """An image of a premultiplied mode, and its colours over white."""
    colors = GREY[..., None] if mode == "La" else RGB
    multiplied = np.rint(colors * (ALPHA / 255)).astype(np.uint8)
    pixels = np.concatenate([multiplied, ALPHA], axis=-1)
    image = Image.frombytes(mode, (SIZE, SIZE), pixels.tobytes())
    expected = multiplied + 255.0 - ALPHA
    return image, np.broadcast_to(expected, (SIZE, SIZE, 3))


def examples():
    """Mode → an image of that mode and what it shows."""
    palette = np.arange(768, dtype=np.uint8).reshape(256, 3)[:, ::-1].copy()
    index = Image.frombytes("P", (SIZE, SIZE), GREY.tobytes())
    index.putpalette(palette.tobytes())
    shown = palette[GREY].astype(float)
    by_index = Image.merge("PA", (index, Image.fromarray(ALPHA[..., 0])))
    by_index.putpalette(palette.tobytes())
    cmyk = np.concatenate([RGB, ALPHA], axis=-1)
    hsv = Image.fromarray(RGB).convert("HSV")
    lab = np.stack([GREY, GREY.T // 8 + 112, 144 - GREY // 8], axis=-1)
    wide = GREY.astype(np.uint16) * 257
    found = {
        "1": (Image.fromarray(GREY > 100), three(255.0 * (GREY > 100))),
        "L": (Image.fromarray(GREY), three(GREY)),
        "LA": (Image.fromarray(np.dstack([GREY, ALPHA])), over(three(GREY), ALPHA)),
        "P": (index, shown),
        "PA": (by_index, over(shown, ALPHA)),
        "RGB": (Image.fromarray(RGB), RGB),
        "RGBA": (Image.fromarray(np.dstack([RGB, ALPHA])), over(RGB, ALPHA)),
        "RGBX": (Image.frombytes("RGBX", (SIZE, SIZE), np.dstack([RGB, ALPHA]).tobytes()), RGB),
        "CMYK": (
            Image.frombytes("CMYK", (SIZE, SIZE), cmyk.tobytes()),
            (255.0 - RGB) * (255 - ALPHA) / 255,
        ),
        "YCbCr": (Image.fromarray(RGB).convert("YCbCr"), RGB),
        "HSV": (hsv, RGB),
        # Files hold a and b as signed bytes.
        "LAB": (
            Image.frombytes("LAB", (SIZE, SIZE), (lab ^ np.uint8([0, 128, 128])).tobytes()),
            lab_in_srgb(lab.astype(float)),
        ),
        "La": premultiplied("La"),
        "RGBa": premultiplied("RGBa"),
    }
    for mode, kind in (("I;16", "<u2"), ("I;16L", "<u2"), ("I;16B", ">u2"), ("I;16N", "=u2")):
        content = wide.astype(kind).tobytes()
        found[mode] = Image.frombytes(mode, (SIZE, SIZE), content, "raw", mode), three(GREY)
    return found


EXAMPLES = examples()
# How far Pillow's own conversions, to whole numbers and back, may be off.
TOLERANCE = {"YCbCr": 3, "HSV": 12, "LAB": 5, "La": 4, "RGBa": 4}


@pytest.mark.parametrize("mode", list(EXAMPLES))
def test_every_mode_shows_its_content(mode):
    image, expected = EXAMPLES[mode]
    assert image.mode == mode
    found = np.asarray(to_rgb(image.copy())).astype(float)
    assert np.abs(found - expected).max() <= TOLERANCE.get(mode, 1)
    assert np.ptp(found) > 60


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_without_a_white_are_refused_by_name(mode):
    image = Image.new(mode, (SIZE, SIZE), 7)
    with pytest.raises(
        InputError, match=rf"mode {mode} \(32-bit .*does not define white; save it with"
    ):
        decode(encoded(image, "TIFF"), 8)


def test_no_mode_of_pillow_is_forgotten():
    known = {*EXAMPLES, "I", "F"}
    listed = set(Image.MODES) | {"1", "LAB", "HSV", "La", "RGBa", "RGBX", "PA", "LA", "I;16N"}
    assert listed <= known
    for mode in known:
        assert ImageMode.getmode(mode).mode == mode
    image = Image.new("RGB", (2, 2))
    image._mode = "BGR;15"
    with pytest.raises(InputError, match=r"mode BGR;15 .*does not define white"):
        to_rgb(image)


@pytest.mark.parametrize("ground", list(GROUNDS))
def test_the_ground_is_the_one_asked_for(ground):
    image, _ = EXAMPLES["RGBA"]
    found = decode(encoded(image), SIZE, ground=ground).pixels.astype(float)
    assert np.abs(found - over(RGB, ALPHA, ground)).max() <= 1


# ---- files


def test_sixteen_bits_show_what_eight_bits_do():
    for darkened in (GREY // 4, 255 - GREY // 4):
        eight = decode(encoded(Image.fromarray(darkened)), 8).pixels.astype(int)
        wide = Image.fromarray(darkened.astype(np.uint16) * 257)
        for form in ("PNG", "TIFF", "PPM", "JPEG2000"):
            options = {"irreversible": False} if form == "JPEG2000" else {}
            found = decode(encoded(wide, form, **options), 8).pixels
            assert np.abs(found - eight).max() <= 1, form


def test_grey_is_scaled_by_the_range_that_its_file_states():
    flat = GREY.astype("<u2") * 257
    white_is_zero = tiff((65535 - flat).tobytes(), SIZE, SIZE, 16, photometric=0)
    np.testing.assert_array_equal(decode(white_is_zero, SIZE).pixels, three(GREY))
    twelve = np.linspace(0, 4095, SIZE).round().astype(int)
    first, second = twelve[::2], twelve[1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    row = packed.astype(np.uint8).tobytes()
    found = decode(tiff(row * SIZE, SIZE, SIZE, 12), SIZE).pixels
    np.testing.assert_allclose(found[0, :, 0], twelve / 4095 * 255, atol=0.51)
    signed = tiff(flat.tobytes(), SIZE, SIZE, 16, sample_format=2)
    with pytest.raises(
        InputError, match=r"mode I \(32-bit or signed integers\) does not define white"
    ):
        decode(signed, SIZE)


@pytest.mark.parametrize(("bits", "levels"), [(1, 2), (2, 4), (4, 16), (8, 256), (16, 65536)])
def test_a_transparent_grey_of_any_depth(bits, levels):
    """PNG 11.3.2.1: the transparent grey is given in the file's own bits."""
    values = np.arange(SIZE) % levels if bits < 8 else np.arange(SIZE) * (levels // SIZE)
    hidden = int(values[-1])
    as_bits = "".join(f"{value:0{bits}b}" for value in values)
    row = bytes(int(as_bits[i : i + 8], 2) for i in range(0, len(as_bits), 8))
    content = png([row] * SIZE, bits, 0, transparent=hidden.to_bytes(2, "big"))
    expected = np.where(values == hidden, 255, values / (levels - 1) * 255)
    found = decode(content, SIZE).pixels
    np.testing.assert_allclose(found[0, :, 1], expected, atol=1)
    black = decode(content, SIZE, ground="black").pixels[0, :, 1]
    np.testing.assert_allclose(black, np.where(values == hidden, 0, expected), atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_color_of_any_depth(bits):
    kind = f">u{bits // 8}"
    colors = (RGB[0].astype(int) * (257 if bits == 16 else 1)).astype(kind)
    hidden = b"".join(int(value).to_bytes(2, "big") for value in colors[3])
    found = decode(png([colors.tobytes()] * SIZE, bits, 2, transparent=hidden), SIZE).pixels
    expected = RGB[0].copy()
    expected[3] = 255
    np.testing.assert_allclose(found[5], expected, atol=1)


def test_palettes_with_one_or_many_transparencies():
    palette = np.arange(48, dtype=np.uint8).reshape(16, 3) * 5
    row = bytes(range(16))
    for alphas in (b"\xff\xff\x00", bytes(range(0, 256, 17))):
        content = png([row] * SIZE, 8, 3, palette=palette.tobytes(), transparent=alphas)
        alpha = np.full(16, 255.0)
        alpha[: len(alphas)] = list(alphas)
        expected = over(np.tile(palette, (SIZE, 1, 1)), np.tile(alpha, (SIZE, 1)))
        np.testing.assert_allclose(decode(content, SIZE).pixels, expected, atol=1)
    drawing = Image.new("P", (SIZE, SIZE), 0)
    drawing.putpalette([0, 0, 0, 0, 0, 0])
    drawing.paste(1, (4, 4, 12, 12))
    found = decode(encoded(drawing, "GIF", transparency=0), SIZE).pixels
    assert (found[8, 8] == 0).all()
    assert (found[1, 1] == 255).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(form, orientation):
    """Stored as cameras do: the tag says how to turn what is stored; EXIF 2.32, 4.6.4."""
    quarters = np.array([[10, 90], [170, 250]], np.uint8)
    upright = three(np.kron(quarters, np.ones((32, 32), np.uint8)))
    as_stored = {
        1: lambda image: image,
        2: lambda image: image[:, ::-1],
        3: lambda image: image[::-1, ::-1],
        4: lambda image: image[::-1],
        5: lambda image: image.transpose(1, 0, 2),
        6: lambda image: np.rot90(image, 1),
        7: lambda image: np.rot90(image.transpose(1, 0, 2), 2),
        8: lambda image: np.rot90(image, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(as_stored))
    options = {"quality": 95} if form in ("JPEG", "AVIF") else {}
    try:
        content = encoded(image, form, exif=exif, **options)
    except KeyError:
        pytest.skip(f"this Pillow has no {form}")
    for size in (64, 16):
        found = decode(content, size).pixels[:, :, 0]
        corners = found[[size // 4, -size // 4]][:, [size // 4, -size // 4]].astype(int)
        assert np.abs(corners - quarters).max() <= 6


def test_turning_keeps_transparency_and_range():
    exif = Image.Exif()
    exif[0x0112] = 3
    content = encoded(EXAMPLES["RGBA"][0], exif=exif)
    expected = over(RGB, ALPHA)[::-1, ::-1]
    assert np.abs(decode(content, SIZE).pixels - expected).max() <= 1
    wide = Image.fromarray(GREY.astype(np.uint16) * 257)
    found = decode(encoded(wide, exif=exif), SIZE).pixels
    np.testing.assert_array_equal(found, three(GREY)[::-1, ::-1])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_decoding_at_a_fraction_shows_the_same(mode):
    """`draft` is for speed: a JPEG decoded at an eighth is the JPEG decoded whole, made smaller."""
    smooth = Image.fromarray(RGB).resize((512, 512), Image.Resampling.BICUBIC)
    content = encoded(smooth.convert(mode), "JPEG", quality=95)
    with_draft = decode(content, 64).pixels.astype(int)
    whole = encoded(smooth.convert(mode).convert("RGB"), "PNG")
    assert np.abs(with_draft - decode(whole, 64).pixels).mean() < 3


def test_further_frames_are_told_and_a_phones_preview_is_not(tmp_path):
    first, second = Image.new("L", (9, 9), 40), Image.new("L", (9, 9), 200)
    for form in ("GIF", "TIFF", "PNG", "WEBP"):
        content = encoded(first, form, save_all=True, append_images=[second])
        decoded = decode(content, 4)
        assert decoded.several_frames, form
        assert np.abs(decoded.pixels.astype(int) - 40).max() <= 2, form
        assert not decode(encoded(first, form), 4).several_frames, form
    photo = encoded(first, "MPO", save_all=True, append_images=[second])
    assert not decode(photo, 4).several_frames
