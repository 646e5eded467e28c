# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which recordings some arguments name."""

from bag_builder import drive, write_bag
import pytest
from recordings_builder import write_images, write_video
from segformer_ros.bags.storage import message_files
from segformer_ros.fleet.inputs import BAG, find, IMAGES, Input, listed, VIDEO
from segformer_ros.fleet.planning import content_of


@pytest.fixture
def night(tmp_path):
    """Make two folders with a bag, a video and images each."""
    for name in ('monday', 'tuesday'):
        folder = write_images(tmp_path / name / 'stills', 2)
        write_video(folder.parent / 'drive.MP4', 1)
        write_bag(folder.parent / 'bag', drive(1))
    return tmp_path


def test_a_folder_is_its_bags_its_videos_and_all_of_its_images(night):
    """Each bag and each video alone; the files of a bag are nothing of their own."""
    assert find([str(night)]) == [
        Input(BAG, night / 'monday' / 'bag'),
        Input(VIDEO, night / 'monday' / 'drive.MP4'),
        Input(BAG, night / 'tuesday' / 'bag'),
        Input(VIDEO, night / 'tuesday' / 'drive.MP4'),
        Input(IMAGES, night),
    ]


def test_the_log_of_a_database_is_a_part_of_the_bag(tmp_path):
    """What a recorder has committed since lies in it alone: the other file stays as it is."""
    folder = write_bag(tmp_path / 'bag', drive(1), 'sqlite3')
    file, log = folder / 'bag.db3', folder / 'bag.db3-wal'
    seen = set()
    for size in (0, 4096, 8192):
        log.write_bytes(bytes(size))
        assert message_files(folder) == message_files(file) == [file, *([log] if size else [])]
        seen |= {
            (item.state(), content_of(item)) for item in (Input(BAG, file), Input(BAG, folder))
        }
    assert len(seen) == 6


def test_bags_next_to_images_are_inputs_of_their_own(tmp_path):
    """Of files alone the folder is the bag."""
    folder = write_bag(tmp_path / 'bag', drive(1), 'mcap')
    (folder / 'metadata.yaml').unlink()
    assert find([str(folder)]) == [Input(BAG, folder)]
    write_images(folder, 1)
    assert find([str(folder)]) == [Input(BAG, folder / 'bag.mcap'), Input(IMAGES, folder)]


def test_globs_lists_and_names_give_each_input_once(night):
    """A list is relative to itself; images of one folder are one input."""
    (night / 'todo.txt').write_text('# bags\nmonday/bag\n\n*/drive.MP4\n')
    stills = night / 'monday' / 'stills'
    found = find([str(night / 'todo.txt'), str(night / 'mon*/bag'), f'{stills}/*.png'])
    assert found == [
        Input(BAG, night / 'monday' / 'bag'),
        Input(VIDEO, night / 'monday' / 'drive.MP4'),
        Input(VIDEO, night / 'tuesday' / 'drive.MP4'),
        Input(IMAGES, stills, ('000.png', '001.png')),
    ]
    assert [item.name for item in found[-1].images()] == ['000', '001']


def test_a_name_with_brackets_is_that_file_and_no_glob(tmp_path):
    """A file that is there wins; glob would look for another name."""
    path = write_images(tmp_path / 'a[0]', 1) / '000.png'
    assert find([str(path)]) == [Input(IMAGES, path.parent, ('000.png',))]


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('absent', 'found nothing at'),
        ('absent*.mcap', 'that match absent*.mcap, found none'),
        ('empty', 'expected bags, videos or images in'),
        ('old.bag', 'is a ROS 1 bag: convert it'),
    ],
)
def test_what_is_no_input_is_refused(tmp_path, monkeypatch, name, words):
    """One sentence says what was expected."""
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'old.bag').write_bytes(b'#ROSBAG V2.0')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r'expected|ROS 1') as caught:
        find([name])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ('lines', 'words'), [('# none\n\n', 'names none'), ('other.txt\n', 'names itself')]
)
def test_a_list_of_nothing_or_of_itself_is_refused(tmp_path, lines, words):
    """Also through another list; it named the depth of a recursion before."""
    (tmp_path / 'todo.txt').write_text(lines)
    (tmp_path / 'other.txt').write_text('todo.txt\n')
    with pytest.raises(ValueError, match=words):
        find([str(tmp_path / 'todo.txt')])


def test_an_empty_argument_is_not_this_folder():
    """As of a variable of the shell that has no value."""
    with pytest.raises(ValueError, match='found an empty argument'):
        find([''])


def test_a_list_may_have_addresses(night):
    """They stay as they are, between paths that are relative to the list."""
    (night / 'todo.txt').write_text('s3://fleet/a#b.mp4\nmonday/bag\n')
    found = list(listed(['x.mp4', str(night / 'todo.txt')]))
    assert found == ['x.mp4', 's3://fleet/a#b.mp4', str(night / 'monday' / 'bag')]
