"""Banks in JSON and TOML that are not sound, and what the errors say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import bank_from_bytes
from sepfilter.errors import BankError

MIX = '{"type": "pointwise", "matrix": [[1, 0], [0, 1]]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "a bank is an object"),
        ("{", "not valid JSON: .* at line 1"),
        ('{"layers": []}', "has no layers"),
        ('{"layers": {}}', "has no layers"),
        ('{"layer": []}', "a bank has no 'layer': did you mean layers?"),
        ('{"layers": [1]}', "layer 1: '1': a layer is an object"),
        ('{"layers": [{}]}', "layer 1: has no type: give one of depthwise, pointwise, conv"),
        ('{"layers": [{"type": "depthwize"}]}', "layer 1: type 'depthwize': did you mean depthwise"),
        ('{"layers": [{"type": ["conv"]}]}', "layer 1: type an array: give one of"),
        (
            f'{{"layers": [{MIX}, "strid": 2}}]}}',
            "layer 'pointwise': a pointwise layer has no 'strid': did you mean stride",
        ),
        (f'{{"layers": [{MIX}, "groups": 2}}]}}', "a pointwise layer has no 'groups'"),
        (f'{{"layers": [{MIX}, "stride": 0}}]}}', "layer 'pointwise': stride .*: give whole numbers from 1"),
        (f'{{"layers": [{MIX}, "stride": [1, 2, 3]}}]}}', "stride: an array: give one whole number, or two"),
        (f'{{"layers": [{MIX}, "stride": 1.5}}]}}', "stride: '1.5': give whole numbers"),
        (f'{{"layers": [{MIX}, "stride": []}}]}}', "stride: an array: give whole numbers"),
        (f'{{"layers": [{MIX}, "padding": "some"}}]}}', "'pointwise': padding 'some': use valid, same"),
        (f'{{"layers": [{MIX}, "padding": [1, 2]}}]}}', "padding: an array: give one number, or four"),
        (
            f'{{"layers": [{MIX}, "border": "reflekt"}}]}}',
            "'pointwise': border 'reflekt': .*did you mean reflect",
        ),
        (f'{{"layers": [{MIX}, "border": null}}]}}', "border: null: give text"),
        (
            f'{{"layers": [{MIX}, "activation": "rellu"}}]}}',
            "'pointwise': activation 'rellu': use one of none, relu",
        ),
        (
            f'{{"layers": [{MIX}, "activation": {{"prelu": [1, 2, 3]}}}}]}}',
            "prelu has 3 alphas, and there are 2",
        ),
        (f'{{"layers": [{MIX}, "activation": {{}}}}]}}', "activation: an object: give text"),
        (f'{{"layers": [{MIX}, "bias": [1]}}]}}', r"a bias of shape \(1,\): give 2 numbers"),
        (f'{{"layers": [{MIX}, "bias": 1}}]}}', "bias: '1': give an array of numbers"),
        (f'{{"layers": [{MIX}, "name": "a\\nb"}}]}}', "layer 1: name: 'a.+nb': give 1 to 200 printable"),
        (f'{{"layers": [{MIX}, "weights": [[1]]}}]}}', "has matrix and weights: give one of them"),
        (f'{{"name": null, "layers": [{MIX}}}]}}', "^mine: name: null: give 1 to 200 printable"),
        ('{"layers": [{"type": "pointwise"}]}', "has no weights: give matrix or weights"),
        (
            '{"layers": [{"type": "pointwise", "matrix": [[1, 2], [3]]}]}',
            "matrix: array 2 at depth 2 is 1 long where",
        ),
        ('{"layers": [{"type": "pointwise", "matrix": [[1, true]]}]}', "matrix: true is no number"),
        (
            '{"layers": [{"type": "pointwise", "matrix": "sobel-x"}]}',
            "matrix: 'sobel-x': a kernel, not a matrix",
        ),
        (
            '{"layers": [{"type": "pointwise", "matrix": {"file": "none.npy"}}]}',
            "matrix: none.npy: there is no such file",
        ),
        (
            '{"layers": [{"type": "pointwise", "matrix": {"file": "/dev/zero"}}]}',
            "matrix: /dev/zero: there is no such file",
        ),
        ('{"layers": [{"type": "conv", "weights": [[1]]}]}', r"weights of shape \(1, 1\): a conv layer has"),
        ('{"layers": [{"type": "conv", "weights": [[[[[1]]]]]}]}', "weights: arrays nested more than 4 deep"),
        (
            '{"layers": [{"type": "conv", "weights": [[[[1]]]], "groups": 2}]}',
            "1 output channels in 2 groups",
        ),
        ('{"layers": [{"type": "conv", "weights": []}]}', "weights: an empty array"),
        ('{"layers": [{"type": "conv", "weights": {"fil": "w"}}]}', 'weights: an object that is not {"file"'),
        (
            '{"layers": [{"type": "depthwise", "kernel": "sobel"}]}',
            "kernel 'sobel': .*give sobel-x or sobel-y",
        ),
        (
            '{"layers": [{"type": "depthwise", "kernel": "sobelx-x"}]}',
            "kernel 'sobelx-x': no kernel .*did you mean sobel-x",
        ),
        ('{"layers": [{"type": "depthwise", "kernel": "-"}]}', "kernel '-': -: no standard input here"),
        (
            '{"layers": [{"type": "depthwise", "kernel": {"kernel": [[1, 2]], "anchor": [0, 0]}}]}',
            r"its anchor \(0, 0\) is not the middle",
        ),
        (
            '{"layers": [{"type": "depthwise", "kernel": {"file": "a", "x": 1}}]}',
            'kernel: an object that is not {"file"',
        ),
        ('{"layers": [{"type": "depthwise", "kernel": "3x1: 1,2,1; 1x3: 1,2,1"}]}', "a list of 2 kernels"),
        ('{"layers": [{"type": "depthwise", "kernel": null}]}', "kernel: null: give a preset"),
        ('{"layers": [{"type": "depthwise", "kernels": []}]}', "kernels: an array: give an array of kernels"),
        ('{"layers": [{"type": "depthwise", "kernels": [[]]}]}', "kernels: channel 1: an empty array"),
        (
            '{"layers": [{"type": "depthwise", "kernels": [["box:3", "box:3"], "box:3"]}]}',
            "kernels: 1 for channel 2 and 2 for the first",
        ),
        (
            '{"layers": [{"type": "depthwise", "kernel": "box:3", "shared": true}]}',
            "shared goes with weights",
        ),
        (
            '{"layers": [{"type": "depthwise", "weights": [[[[1]]]], "shared": 1}]}',
            "shared: '1': give true or false",
        ),
        ('{"layers": [{"type": "depthwise", "kernel": [[1, "x"]]}]}', "kernel: 'x' is no number"),
        ('{"layers": [{"type": "depthwise", "kernel": [[1, 1e999]]}]}', "kernel: '1e999' is no number"),
        (f'{{"input_scale": "x", "layers": [{MIX}}}]}}', "input scale 'x': give what white is"),
        (f'{{"input_scale": [1], "layers": [{MIX}}}]}}', "input_scale: an array: give what white is"),
        (f'{{"input_scale": {{"white": -1}}, "layers": [{MIX}}}]}}', "input scale: white -1"),
        ('{"layers": ' + "[" * 2000, "nested more than 100 deep"),
        ('{"layers": [' + "[]," * 2**20 + "[]]}", "more than 1,048,576 arrays, objects and keys"),
        ('{"layers": [' + "1," * 10_000 + "1]}", "10,001 layers: at most 10,000"),
        ('{"layers": [], "layers": []}', "'layers' is given twice"),
        (
            f'{{"layers": [{MIX}}}, {{"type": "pointwise", "matrix": [[1]]}}]}}',
            "layer 'pointwise 2' takes 1 channels, but layer 'pointwise 1' makes 2",
        ),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_is_wrong_with_json(text: str, message: str) -> None:
    """The error is one line that names the file, the layer and the key."""
    with pytest.raises(BankError, match=message) as caught:
        bank_from_bytes(text.encode(), "mine")
    assert str(caught.value).startswith("mine: ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers = [", "not valid TOML"),
        ("layers = " + "[" * 5000, "nested too deep|not valid TOML|nested more"),
        (f"layers = [{'9' * 5000}]", "not valid TOML"),
        ("a." * 100_000 + "b = 1", "a key of more than 100 parts"),
        ("[" + "a . " * 100_000 + "b]", "a key of more than 100 parts"),
        ("[[layers]]\ntype = 1979-05-27", "layer 1: type a date"),
        (
            "[[layers]]\ntype = 'depthwise'\nkernel = {kernel = 1979-05-27}",
            "kernel: holds what is neither text nor a number",
        ),
        ("[[layers]]\ntype = 'pointwise'\nmatrix = [[1, inf]]", "NaN or infinite in pointwise"),
        ("[[layers]]\ntype = 'pointwise'\nmatrix = [[1, 07:32:00]]", "matrix: a time is no number"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_is_wrong_with_toml(text: str, message: str) -> None:
    """TOML has other values, dates among them."""
    with pytest.raises(BankError, match=f"^mine: .*({message})") as caught:
        bank_from_bytes(text.encode(), "mine", ".toml")
    assert str(caught.value).isprintable()


def test_text_that_is_not_utf8_is_refused() -> None:
    """The place of the first wrong byte is named."""
    with pytest.raises(BankError, match="mine: byte 12 is no UTF-8"):
        bank_from_bytes(b'{"layers": "\xff"}', "mine")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**25) | st.floats() | st.text(max_size=4)
    | st.sampled_from(["sobel-x", "1 2; 3 4", "same", "relu", "file", "1/3", "NaN"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["file", "kernel", "prelu", "white", "type"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
KEYS = (
    "name", "stride", "dilation", "padding", "border", "activation", "bias", "weights", "kernel", "kernels",
    "shared", "matrix", "groups",
)  # fmt: skip


@given(
    st.sampled_from(["depthwise", "pointwise", "conv"]),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
    VALUES,
)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_layer_is_a_bank_or_an_error(
    kind: str, table: dict[str, Any], scale: Any
) -> None:
    """Values of all types under all keys never give another exception."""
    refused = {"depthwise": {"matrix", "groups"}, "pointwise": {"kernel", "kernels", "shared", "groups"}}.get(
        kind, set()
    )
    layer = {"type": kind} | {key: one for key, one in table.items() if key not in refused}
    for content in ({"layers": [layer]}, {"layers": [layer], "input_scale": scale}):
        try:
            found: Bank | str = bank_from_bytes(json.dumps(content).encode(), "mine", allow_nonfinite=True)
        except BankError as error:
            found = str(error)
        assert isinstance(found, Bank) or (found.startswith("mine: ") and found.isprintable())


def test_kernels_that_would_take_all_memory_are_refused() -> None:
    """A short text may name many taps."""
    kernels = json.dumps(["gaussian:400"] * 100)
    with pytest.raises(BankError, match=r"kernels: 100 of 3,201 x 3,201 taps: at most"):
        bank_from_bytes(f'{{"layers": [{{"type": "depthwise", "kernels": {kernels}}}]}}'.encode(), "mine")
