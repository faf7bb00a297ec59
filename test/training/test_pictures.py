import torch

from training.network import Prediction
from training.pictures import prediction_picture


def test_rows_are_samples_and_columns_what_is_known_of_them():
    template = torch.zeros(2, 2, 64, 64)
    template[:, 0] = 127.0  # the template's right edge: full red, no green
    batch = {
        "image": torch.full((2, 128, 128, 3), 200, dtype=torch.uint8),
        "template": template.half(),
        "matchable": torch.ones(2, 64, 64, dtype=torch.uint8),
    }
    batch["matchable"][1] = 255
    sure = Prediction(template, torch.zeros(2, 64, 64), torch.full((2, 64, 64), 30.0))
    picture = prediction_picture(sure, batch)
    assert picture.shape == (256, 512, 3)
    crop, predicted, true, sigma = (picture[10, 128 * i + 10].tolist() for i in range(4))
    assert crop == [200, 200, 200]
    assert predicted == true == [255, 0, 128]
    assert sigma == [32, 32, 32]  # one pixel of eight
    assert picture[138, 266].tolist() == [128, 128, 128]  # unknown
