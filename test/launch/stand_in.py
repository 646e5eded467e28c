# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
As much of launch and launch_ros as the launch files use, for machines without them.

Both are not on PyPI. A launch file is run as it is: its arguments and conditions are resolved,
and what it would start is given as command lines with their environment.
"""

# ruff: noqa: D101, D102 the names and methods are those of launch, documented there

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
import contextlib
from dataclasses import dataclass, field
import importlib.util
import os
from pathlib import Path
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import yaml

_RUNNING = SimpleNamespace(is_shutdown=False)


@dataclass
class Context:
    """What a launch file has set so far."""

    share: Path
    arguments: dict[str, str]
    environment: dict[str, str]
    declared: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)


@dataclass(frozen=True)
class Command:
    """A process that the launch file starts."""

    package: str
    executable: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    on_exit: Callable[[Any, Any], Shutdown | None] | None
    output: str

    def exit(self, code: int) -> str:
        """
        Return why everything ends when this process ends with a code; '' when nothing else does.

        :raises RuntimeError: launch ends everything, and with an error.
        """
        event = SimpleNamespace(returncode=code, process_name=self.executable)
        found = None if self.on_exit is None else self.on_exit(event, _RUNNING)
        return '' if found is None else found.reason


def text(value: Any, context: Context) -> str:
    """Resolve a substitution, or a list of them, to text."""
    if isinstance(value, (list, tuple)):
        return ''.join(text(item, context) for item in value)
    return str(value.perform(context)) if hasattr(value, 'perform') else str(value)


def _flow(value: Any) -> str:
    """Write plain data as one line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).split('\n')[0]


class LaunchConfiguration:
    def __init__(self, name: str, *, default: str | None = None) -> None:
        self.name, self.default = name, default

    def perform(self, context: Context) -> str:
        if self.default is not None:
            return context.arguments.get(self.name, self.default)
        return context.arguments[self.name]


class EnvironmentVariable:
    def __init__(self, name: str, *, default_value: Any = '') -> None:
        self.name, self.default_value = name, default_value

    def perform(self, context: Context) -> str:
        return context.environment.get(self.name) or text(self.default_value, context)


class PathJoinSubstitution:
    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def perform(self, context: Context) -> str:
        return os.path.join(*(text(part, context) for part in self.parts))


class PythonExpression:
    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def perform(self, context: Context) -> str:
        return str(eval(text(self.parts, context), {}))


class EqualsSubstitution:
    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def perform(self, context: Context) -> str:
        return str(text(self.left, context) == text(self.right, context)).lower()


class NotEqualsSubstitution(EqualsSubstitution):
    def perform(self, context: Context) -> str:
        return 'false' if super().perform(context) == 'true' else 'true'


class FindPackageShare:
    def __init__(self, package: str) -> None:
        self.package = package

    def perform(self, context: Context) -> str:
        assert self.package == 'segformer_ros'
        return str(context.share)


class ParameterValue:
    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value, self.value_type = value, value_type

    def yaml(self, context: Context) -> str:
        """Return the value as the YAML that -p takes."""
        raw = text(self.value, context)
        if self.value_type is str:
            return yaml.safe_dump(raw, default_style='"').strip()
        value = yaml.safe_load(raw)
        if self.value_type is None:
            # What looks like text is text, and for the node to refuse.
            return yaml.safe_dump(raw, default_style='"').strip() if value == raw else _flow(value)
        if self.value_type is float:
            value = float(value)
        if self.value_type in {bool, int, float}:
            assert type(value) is self.value_type, f'{raw!r} is no {self.value_type.__name__}'
        return _flow(value)


class IfCondition:
    def __init__(self, value: Any) -> None:
        self.value = value

    def holds(self, context: Context) -> bool:
        word = text(self.value, context).lower()
        assert word in {'true', 'false', '1', '0'}, f'{word!r} is no condition'
        return word in {'true', '1'}


class UnlessCondition(IfCondition):
    def holds(self, context: Context) -> bool:
        return not super().holds(context)


class Shutdown:
    def __init__(self, *, reason: str) -> None:
        self.reason = reason


class DeclareLaunchArgument:
    def __init__(
        self,
        name: str,
        *,
        default_value: Any,
        description: str,
        choices: Iterable[str] | None = None,
    ) -> None:
        self.name, self.default_value, self.description = name, default_value, description
        self.choices = None if choices is None else tuple(choices)

    def visit(self, context: Context) -> None:
        assert self.description.endswith('.')
        context.declared[self.name] = self.description
        if self.name not in context.arguments:
            context.arguments[self.name] = text(self.default_value, context)
        if self.choices is not None and context.arguments[self.name] not in self.choices:
            raise ValueError(f'{self.name} must be one of {self.choices}')


class SetEnvironmentVariable:
    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def visit(self, context: Context) -> None:
        context.environment[self.name] = text(self.value, context)


class OpaqueFunction:
    def __init__(
        self,
        *,
        function: Callable[[Context], Iterable[Any]],
        condition: IfCondition | None = None,
    ) -> None:
        self.function, self.condition = function, condition

    def visit(self, context: Context) -> None:
        if self.condition is None or self.condition.holds(context):
            for entity in self.function(context):
                entity.visit(context)


class PythonLaunchDescriptionSource:
    def __init__(self, path: Any) -> None:
        self.path = path


class IncludeLaunchDescription:
    def __init__(
        self, source: PythonLaunchDescriptionSource, *, launch_arguments: Iterable[Any]
    ) -> None:
        self.source, self.launch_arguments = source, tuple(launch_arguments)

    def visit(self, context: Context) -> None:
        for name, value in self.launch_arguments:
            context.arguments[name] = text(value, context)
        _description(Path(text(self.source.path, context))).visit(context)


class Node:
    def __init__(
        self,
        *,
        package: str,
        executable: str,
        namespace: Any = '',
        parameters: Sequence[Any] = (),
        remappings: Sequence[tuple[Any, Any]] = (),
        arguments: Sequence[Any] = (),
        condition: IfCondition | None = None,
        output: str = 'log',
        on_exit: Callable[[Any, Any], Shutdown | None] | None = None,
    ) -> None:
        self.package, self.executable, self.namespace = package, executable, namespace
        self.parameters, self.remappings, self.arguments = parameters, remappings, arguments
        self.condition, self.on_exit, self.output = condition, on_exit, output
        assert output in {'log', 'screen'}

    def visit(self, context: Context) -> None:
        if self.condition is not None and not self.condition.holds(context):
            return
        words = [text(item, context) for item in self.arguments] + ['--ros-args']
        namespace = text(self.namespace, context)
        if namespace:
            words += ['-r', f'__ns:=/{namespace.strip("/")}']
        for item in self.parameters:
            words += self._parameter(item, context)
        for source, target in self.remappings:
            words += ['-r', f'{text(source, context)}:={text(target, context)}']
        context.commands.append(
            Command(
                self.package,
                self.executable,
                tuple(words),
                dict(context.environment),
                self.on_exit,
                self.output,
            )
        )

    @staticmethod
    def _parameter(item: Any, context: Context) -> list[str]:
        if not isinstance(item, dict):
            return ['--params-file', text(item, context)]
        words = []
        for name, value in item.items():
            described = value if isinstance(value, ParameterValue) else None
            plain = described.yaml(context) if described else _flow(value)
            words += ['-p', f'{name}:={plain}']
        return words


class LaunchDescription:
    def __init__(self, entities: Iterable[Any]) -> None:
        self.entities = list(entities)

    def visit(self, context: Context) -> None:
        for entity in self.entities:
            entity.visit(context)


_MODULES: dict[str, tuple[type, ...]] = {
    'launch': (LaunchDescription,),
    'launch.actions': (
        DeclareLaunchArgument,
        IncludeLaunchDescription,
        OpaqueFunction,
        SetEnvironmentVariable,
        Shutdown,
    ),
    'launch.conditions': (IfCondition, UnlessCondition),
    'launch.launch_description_sources': (PythonLaunchDescriptionSource,),
    'launch.substitutions': (
        EnvironmentVariable,
        EqualsSubstitution,
        LaunchConfiguration,
        NotEqualsSubstitution,
        PathJoinSubstitution,
        PythonExpression,
    ),
    'launch_ros': (),
    'launch_ros.actions': (Node,),
    'launch_ros.parameter_descriptions': (ParameterValue,),
    'launch_ros.substitutions': (FindPackageShare,),
}


@contextlib.contextmanager
def _installed() -> Any:
    """Put the stand-ins in the place of the real packages for a while."""
    real = {name: sys.modules.pop(name) for name in _MODULES if name in sys.modules}
    for name, content in _MODULES.items():
        module = ModuleType(name)
        module.__path__ = []
        vars(module).update({item.__name__: item for item in content})
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in _MODULES:
            del sys.modules[name]
        sys.modules.update(real)


def _description(path: Path) -> LaunchDescription:
    spec = importlib.util.spec_from_file_location(path.stem.replace('.', '_'), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description: LaunchDescription = module.generate_launch_description()
    return description


def launch(
    path: Path, *, share: Path, environment: Mapping[str, str] | None = None, **arguments: str
) -> Context:
    """
    Run a launch file.

    :param path: The launch file.
    :param share: In place of the package's share folder, with launch/ and config/.
    :param environment: What the processes would inherit.
    :param arguments: As in `ros2 launch ... name:=value`; each must be declared by the file.
    """
    context = Context(share, dict(arguments), dict(environment or {}))
    with _installed():
        _description(path).visit(context)
    unknown = arguments.keys() - context.declared.keys()
    assert not unknown, f'{path.name} does not declare {unknown}'
    return context


def declared(path: Path, *, share: Path) -> Context:
    """Return the arguments that a launch file itself declares, at their defaults."""
    context = Context(share, {}, {})
    with _installed():
        for entity in _description(path).entities:
            if isinstance(entity, DeclareLaunchArgument):
                entity.visit(context)
    return context


def nodes(context: Context) -> dict[str, Command]:
    """Return the commands by executable."""
    return {item.executable: item for item in context.commands}


def pairs(command: Command, flag: str) -> dict[str, str]:
    """Return what stands behind every -p or -r, by name."""
    words = command.arguments
    found = [words[index + 1] for index, word in enumerate(words) if word == flag]
    return dict(item.split(':=', 1) for item in found)


def values(command: Command) -> dict[str, Any]:
    """Return the parameters as the node reads them."""
    return {name: yaml.safe_load(text) for name, text in pairs(command, '-p').items()}
