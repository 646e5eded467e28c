# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The label sets of driving: CARLA, SHIFT, Cityscapes and CamVid."""

from __future__ import annotations

from segformer_ros.labels.table import LabelClass, LabelSet, parse

# The semantic tags of CARLA up to 0.9.9; the colours are its CityScapes palette.
CARLA_099 = parse(
    'carla_099',
    """unlabeled 0 0 0
building 70 70 70
fence 190 153 153
other 250 170 160
pedestrian 220 20 60
pole 153 153 153
road_line 157 234 50
road 128 64 128
sidewalk 244 35 232
vegetation 107 142 35
vehicle 0 0 142
wall 102 102 156
traffic_sign 220 220 0""",
)

# carla.CityObjectLabel of CARLA 0.9.14 to 0.9.16; the colours are its CityScapes palette.
CARLA_0914 = parse(
    'carla_0914',
    """none 0 0 0
road 128 64 128
sidewalk 244 35 232
building 70 70 70
wall 102 102 156
fence 190 153 153
pole 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
pedestrian 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32
static 110 190 160
dynamic 170 120 50
other 55 90 80
water 45 60 150
road_line 157 234 50
ground 81 0 81
bridge 150 100 100
rail_track 230 150 140
guard_rail 180 165 180""",
)

# CARLA on Unreal Engine 5 (0.10), which adds one class.
CARLA_010 = LabelSet('carla_010', (*CARLA_0914.classes, LabelClass(29, 'rock', (180, 130, 70))))

# The train ids of Cityscapes.
CITYSCAPES_19 = parse(
    'cityscapes_19',
    """road 128 64 128
sidewalk 244 35 232
building 70 70 70
wall 102 102 156
fence 190 153 153
pole 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
person 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32""",
)

# The label ids of Cityscapes. What its authors do not evaluate shares colours, mostly black.
CITYSCAPES_34 = parse(
    'cityscapes_34',
    """unlabeled 0 0 0
ego_vehicle 0 0 0
rectification_border 0 0 0
out_of_roi 0 0 0
static 0 0 0
dynamic 111 74 0
ground 81 0 81
road 128 64 128
sidewalk 244 35 232
parking 250 170 160
rail_track 230 150 140
building 70 70 70
wall 102 102 156
fence 190 153 153
guard_rail 180 165 180
bridge 150 100 100
tunnel 150 120 90
pole 153 153 153
polegroup 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
person 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
caravan 0 0 90
trailer 0 0 110
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32""",
)

# SHIFT, equal to CARLA 0.9.10 to 0.9.13.
SHIFT_23 = parse(
    'shift_23',
    """unlabeled 0 0 0
building 70 70 70
fence 100 40 40
other 55 90 80
pedestrian 220 20 60
pole 153 153 153
road_line 157 234 50
road 128 64 128
sidewalk 244 35 232
vegetation 107 142 35
vehicle 0 0 142
wall 102 102 156
traffic_sign 220 220 0
sky 70 130 180
ground 81 0 81
bridge 150 100 100
rail_track 230 150 140
guard_rail 180 165 180
traffic_light 250 170 30
static 110 190 160
dynamic 170 120 50
water 45 60 150
terrain 145 170 100""",
)

# The colours in which CamVid is labelled, in alphabetical order; 0 is what no one could name.
CAMVID_32 = parse(
    'camvid_32',
    """void 0 0 0
animal 64 128 64
archway 192 0 128
bicyclist 0 128 192
bridge 0 128 64
building 128 0 0
car 64 0 128
cart_luggage_pram 64 0 192
child 192 128 64
column_pole 192 192 128
fence 64 64 128
lane_markings_driving 128 0 192
lane_markings_non_driving 192 0 64
misc_text 128 128 64
motorcycle_scooter 192 0 192
other_moving 128 64 64
parking_block 64 192 128
pedestrian 64 64 0
road 128 64 128
road_shoulder 128 128 192
sidewalk 0 0 192
sign_symbol 192 128 128
sky 128 128 128
suv_pickup_truck 64 128 192
traffic_cone 0 0 64
traffic_light 0 64 64
train 192 64 128
tree 128 128 0
truck_bus 192 128 192
tunnel 64 0 64
vegetation_misc 192 192 0
wall 64 192 0""",
)

# The classes that most work on CamVid reports, with the ids and colours of SegNet's tutorial.
CAMVID_11 = parse(
    'camvid_11',
    """sky 128 128 128
building 128 0 0
pole 192 192 128
road 128 64 128
pavement 60 40 222
tree 128 128 0
sign_symbol 192 128 128
fence 64 64 128
car 64 0 128
pedestrian 64 64 0
bicyclist 0 128 192""",
)
