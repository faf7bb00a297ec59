"""``paper``: the network of paper Fig. 3, two encoders and two decoders, one output per crop pixel.

Read off the figure: encoders of 8 convolutions with 16, 32, 32, 64, 64, 128, 128, 256 channels, every second with
stride 2 (128 -> 8 cells a side); both joined to 512 channels; decoders of four triplets (convolution, convolution,
stride-2 deconvolution, ReLU after the first and third) with 512, 256, 256 / 256, 128, 128 / 128, 64, 64 / 64, 32, 32
channels for the flow and half of that for the matchability. Not in the figure, chosen here: 3 x 3 kernels throughout
(8.6 M parameters), 16 channels between the flow decoder's three last convolutions, flow predicted in units of half
the template. The paper has no sigma: ``log_sigma`` is one learned constant, so all correspondences weigh the same,
as in the paper's Eq. 3.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from dense_face_ros.backends import CROP_SIZE
from training.network.prediction import TEMPLATE_SCALE, CorrespondenceModule, Prediction, cell_grid, to_input

_ENCODER = (16, 32, 32, 64, 64, 128, 128, 256)
_FLOW = (512, 256, 256, 256, 128, 128, 128, 64, 64, 64, 32, 32)
_MATCHABILITY = (256, 128, 128, 128, 64, 64, 64, 32, 32, 32, 16, 16)
_FLOW_LAST = (16, 16, 2)
_FIRST_LOG_SIGMA = 2.5


class PaperNetwork(CorrespondenceModule):
    """See the module's description.

    With ``share_encoders`` both images go through the same weights (pre-training on pairs of renderings); a state
    saved so loads into a network without it, whose target encoder then starts as a copy.
    """

    stride = 1
    grid: Tensor
    template_image: Tensor

    def __init__(self, share_encoders: bool = False, template_image: Tensor | None = None) -> None:
        super().__init__()
        self.source_encoder = _encoder()
        self.target_encoder = self.source_encoder if share_encoders else _encoder()
        self.flow_decoder = _triplets(_FLOW)
        self.flow_last = _flow_last()
        self.matchability_decoder = _triplets(_MATCHABILITY)
        self.matchability_last = nn.Conv2d(_MATCHABILITY[-1], 2, 3, padding=1)
        self.log_sigma = nn.Parameter(torch.tensor(_FIRST_LOG_SIGMA))
        if template_image is None:
            template_image = torch.full((CROP_SIZE, CROP_SIZE, 3), 128, dtype=torch.uint8)
        self.register_buffer("template_image", template_image.clone())
        self.register_buffer("grid", cell_grid(CROP_SIZE), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, target: Tensor | None = None) -> Prediction:
        """image: (N, 128, 128, 3) RGB, 0..255; target: likewise, or the template image where it is None."""
        first = self.matchability_last
        source_code = self.source_encoder(to_input(image, first))
        if target is None:
            code = self.target_encoder(to_input(self.template_image[None], first))
            target_code = code.expand(len(image), -1, -1, -1)
        else:
            target_code = self.target_encoder(to_input(target, first))
        return self._decode(torch.cat([source_code, target_code], dim=1))

    def _decode(self, code: Tensor) -> Prediction:
        flow = self._precise(self.flow_last, self.flow_decoder(code)) * TEMPLATE_SCALE
        classes = self._precise(self.matchability_last, self.matchability_decoder(code))
        # The log odds of the figure's two-class softmax are the difference of its inputs.
        logit = classes[:, 1] - classes[:, 0]
        return Prediction(self.grid + flow, self.log_sigma.float().expand_as(logit), logit)

    @staticmethod
    def _precise(layer: nn.Module, x: Tensor) -> Tensor:
        """The last layers at the precision of their weights: bfloat16 would round the flow to a quarter pixel."""
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = layer(x.to(next(layer.parameters()).dtype))
        return out.float()

    def for_inference(self) -> nn.Module:
        """A copy whose target branch, constant once the template is, has become two constant maps."""
        return _FoldedPaper(copy.deepcopy(self)).eval().requires_grad_(False)


class _FoldedPaper(nn.Module):
    """The network without its target encoder.

    The decoders' first convolutions are linear in the joined code, so the target's half of them is added as a map.
    """

    def __init__(self, network: PaperNetwork) -> None:
        super().__init__()
        self.network = network
        with torch.no_grad():
            image = to_input(network.template_image[None], network.matchability_last)
            code = network.target_encoder(image)
            for decoder in (network.flow_decoder, network.matchability_decoder):
                decoder[0] = _HalfConstant(decoder[0], code)
        network.target_encoder = nn.Sequential()

    def forward(self, image: Tensor) -> Prediction:
        return self.network._decode(self.network.source_encoder(to_input(image, self.network.matchability_last)))


class _HalfConstant(nn.Module):
    """A convolution over (x, constant) as a convolution over x plus a constant map."""

    constant: Tensor

    def __init__(self, joined: nn.Module, code: Tensor) -> None:
        super().__init__()
        assert isinstance(joined, nn.Conv2d)
        inputs = joined.in_channels - code.shape[1]
        self.conv = nn.Conv2d(inputs, joined.out_channels, 3, padding=1, bias=False)
        self.conv.weight = nn.Parameter(joined.weight[:, :inputs].clone())
        constant = nn.functional.conv2d(code, joined.weight[:, inputs:], joined.bias, padding=1)
        self.register_buffer("constant", constant)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) + self.constant
        return out


def _encoder() -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 3
    for i, outputs in enumerate(_ENCODER):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=1 + i % 2, padding=1), nn.ReLU(inplace=True)]
        inputs = outputs
    return nn.Sequential(*layers)


def _triplets(channels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 2 * _ENCODER[-1]
    for i, outputs in enumerate(channels):
        if i % 3 == 2:
            layers.append(nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1))
        else:
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
        if i % 3 != 1:
            layers.append(nn.ReLU(inplace=True))
        inputs = outputs
    return nn.Sequential(*layers)


def _flow_last() -> nn.Sequential:
    a, b, c = _FLOW_LAST
    return nn.Sequential(
        nn.Conv2d(_FLOW[-1], a, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(a, b, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(b, c, 3, padding=1),
    )
