"""What a name that does not exist is answered."""

from cnnref.errors import unknown


def test_the_nearest_name_is_suggested_and_all_are_listed():
    assert unknown("model", "Plane", ["SkipCNN", "PlainCNN"]) == (
        "unknown model 'Plane'; did you mean 'PlainCNN'? known: PlainCNN, SkipCNN"
    )
    assert unknown("model", "zzz", []) == "unknown model 'zzz'; known: none"


def test_of_very_many_names_only_the_nearest_are_listed():
    names = [f"layer{i}.conv{j}" for i in range(20) for j in range(10)]
    told = unknown("layer", "layer7.conf3", names)
    assert told.startswith(
        "unknown layer 'layer7.conf3'; did you mean 'layer7.conv3'? 200 are known"
    )
    assert len(told) < 300
    assert unknown("layer", "zzz", names) == "unknown layer 'zzz'; 200 are known"
