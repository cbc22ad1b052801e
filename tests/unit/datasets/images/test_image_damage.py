"""Damaged image files end in one clear error; which endings are images is fixed."""

import os
import threading

import numpy as np
import pytest
from PIL import Image

from helpers.image_files import encoded
from labelbench_core.datasets.images import decoding, formats
from labelbench_core.datasets.images.decoding import FileImages, decode, read_regular
from labelbench_core.errors import InputError

PICTURE = Image.fromarray(
    np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8) // 4 * 4
)
NAMES = ("AVIF", "BMP", "DDS", "GIF", "ICO", "IM", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI")
NAMES += ("SGI", "TGA", "TIFF", "WEBP")
Image.init()
FORMS = {form: encoded(PICTURE, form) for form in NAMES if form in Image.SAVE}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("form", list(FORMS))
def test_whatever_is_damaged_is_an_input_error(form, monkeypatch):
    content = FORMS[form]
    # A damaged header can ask for gigabytes.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    assert decode(content, 8).pixels.shape == (8, 8, 3)
    rng = np.random.default_rng(1)
    for length in np.linspace(0, len(content) - 1, 25).astype(int):
        attempt(content[:length])
    for _ in range(60):
        damaged = bytearray(content)
        # Headers are where readers stumble.
        for place in rng.integers(0, min(len(content), 200), 2):
            damaged[place] = rng.integers(256)
        attempt(bytes(damaged))


def attempt(content):
    """Decode; what is raised must be an `InputError` that says why."""
    try:
        assert decode(content, 8).pixels.shape == (8, 8, 3)
        told = "decoded"
    except InputError as error:
        told = str(error)
    assert len(told) > 5
    assert "\n" not in told


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "form", sorted(set(FORMS) - {"DDS", "ICO", "IM", "PCX", "QOI", "SGI", "TGA"})
)
@pytest.mark.parametrize("size", [8, 40])
def test_truncated_images_are_errors(form, size):
    for share in (0.3, 0.6, 0.9):
        content = FORMS[form]
        with pytest.raises(InputError, match=r"corrupt image|empty|not an image that"):
            decode(content[: int(len(content) * share)], size)


def test_more_pixels_than_are_safe_are_told_from_damage(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(InputError, match="more pixels than are safe to decode"):
        decode(FORMS["PNG"], 8)


def test_files_of_other_programs_are_not_run():
    """A drawing under the name of a photo must not reach Ghostscript."""
    with pytest.raises(InputError, match="not an image that Pillow can read"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", 8)


def test_reasons_name_no_address_in_memory(monkeypatch):
    """Manifests hold them, and are the same in every run."""

    def fail(*_, **__):
        raise OSError(f"cannot read\n{object()}")

    monkeypatch.setattr(decoding.Image, "open", fail)
    with pytest.raises(InputError, match=r"^corrupt image \(cannot read <object object>\)$"):
        decode(FORMS["PNG"], 8)


def test_a_pillow_without_a_format_reads_all_others(monkeypatch):
    """As an older one, or one that was built without a library."""
    avif = b"\0\0\0 ftypavif\0\0\0\0avifmif1miafMA1B"
    for table in (Image.OPEN, Image.SAVE):
        monkeypatch.delitem(table, "AVIF", raising=False)
        monkeypatch.delitem(table, "WEBP", raising=False)
    monkeypatch.setattr(decoding, "_known_formats", decoding._known_formats.__wrapped__)
    for form in set(FORMS) - {"AVIF", "WEBP"}:
        assert decode(FORMS[form], 8).pixels.shape == (8, 8, 3)
    with pytest.raises(
        InputError, match=r"^this Pillow cannot read AVIF; needs Pillow 11\.3 or later"
    ):
        decode(avif, 8)
    with pytest.raises(InputError, match=r"^this Pillow cannot read WebP"):
        decode(b"RIFF\0\0\0\0WEBPVP8 ", 8)
    with pytest.raises(InputError, match=r"^not an image that Pillow can read"):
        decode(b"text", 8)


def test_a_missing_decoder_is_not_the_images_fault(monkeypatch):
    def fail(*_):
        raise OSError("decoder jpeg2k not available")

    monkeypatch.setattr(decoding, "_load", fail)
    with pytest.raises(InputError, match=r"^this Pillow cannot read it \(decoder jpeg2k not"):
        decode(FORMS["PNG"], 8)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", [form for form in ("PNG", "WEBP", "JPEG") if form in FORMS])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_where_exif_cannot_be_read_there_is_no_orientation(form, exif):
    content = encoded(PICTURE, form, exif=exif)
    np.testing.assert_array_equal(decode(content, 8).pixels, decode(FORMS[form], 8).pixels)


def test_the_endings_are_pillows():
    Image.init()
    readable = {end: form for end, form in Image.EXTENSION.items() if form in Image.OPEN}
    listed = {end: form for form, ends in formats.SUFFIXES.items() for end in ends}
    assert len(listed) == sum(map(len, formats.SUFFIXES.values()))
    assert not set(listed) & set(formats.REFUSED_SUFFIXES)
    assert set(readable) <= set(listed) | set(formats.REFUSED_SUFFIXES)
    for end, form in readable.items():
        assert listed.get(end, form) == form
    for end in set(listed) - set(readable):
        # Of an optional decoder, which this Pillow was built without.
        assert listed[end] in ("AVIF", "WEBP", "JPEG2000"), end


# ---- what is no file


def test_pipes_devices_and_links_to_nothing_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "nothing.jpg").symlink_to("nowhere")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "folder.jpg").mkdir()
    told = {
        "pipe": "not a regular file",
        "device": "not a regular file",
        "nothing": "broken link",
        "circle": "cannot be read",
        "folder": "cannot be read|not a regular file",
        "missing": "file not found",
    }
    for name, words in told.items():
        found = []

        def read(path=tmp_path / f"{name}.jpg", found=found):
            try:
                read_regular(path)
            except InputError as error:
                found.append(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        thread.join(600)
        assert found, name
        with pytest.raises(InputError, match=words):
            raise found[0]


def test_what_changed_since_is_named_with_a_cure(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(FORMS["PNG"])
    images = FileImages(tmp_path, [(path.name, "0" * 64)], 8, prepared="results/datasets/mine")
    with pytest.raises(InputError, match=r"caf\\xe9.png: changed since .*delete the folder res"):
        images.batch(np.array([0]))
    path.unlink()
    with pytest.raises(InputError, match=r"xe9.png: file not found; .*restore it, or delete the"):
        images.batch(np.array([0]))
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"xe9.png: not a regular file; "):
        images.batch(np.array([0]))
