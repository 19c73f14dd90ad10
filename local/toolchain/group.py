"""The types of a program and of a group of programs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Program:
    """One Go program.

    Attributes:
        name: File name in `bin`.
        package: Import path of its main package.
        links: Symlinks to `name`. The program acts as another one when called by such a name.
    """

    name: str
    package: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """Programs that are built, cached and published together.

    Attributes:
        name: Part of the cache folder's name.
        version: The programs' version, as `status` shows it.
        module: Folder below `modules/` that pins every version.
        programs: The programs to build.
        expected_seconds: Build time with cold caches on two cores, in the order of GROUPS; for display only.
        variables: Package variables that the linker sets (`-X`); without them, the programs do not know their version.
        tags: Go build tags.
        scripts: Files of the prepared module that are copied into `bin` as they are.
        on_path: Whether `bin` belongs on PATH. Plugins do not: Pulumi warns about every plugin on PATH and uses it in
            any version. `pulumi plugin install … --file` installs them.
    """

    name: str
    version: str
    module: str
    programs: tuple[Program, ...]
    expected_seconds: float
    variables: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    on_path: bool = True

    @property
    def binaries(self) -> tuple[str, ...]:
        """Every executable's name in `bin`."""
        built = [name for program in self.programs for name in (program.links or (program.name,))]
        return (*built, *(script.rpartition("/")[2] for script in self.scripts))
