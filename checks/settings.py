"""Settings of the machine and its libraries under which the same bytes must come out."""

# What a library takes from the environment to choose its code for the CPU, and what else differs
# from one machine to the next. The names in NPY_DISABLE_CPU_FEATURES are NumPy 2.4's.
ADVERSE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "1",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "WATCH_LISTING": "reversed",
}
SETTINGS = {
    "as it is": {},
    "ATen without vector instructions": {"ATEN_CPU_CAPABILITY": "default"},
    "ATen with AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "ATen with AVX-512": {"ATEN_CPU_CAPABILITY": "avx512"},
    "MKL_CBWR AUTO": {"MKL_CBWR": "AUTO"},
    "MKL_CBWR COMPATIBLE": {"MKL_CBWR": "COMPATIBLE"},
    "MKL with SSE4.2": {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "MKL with AVX2": {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "OpenBLAS for Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "OpenBLAS for Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS for SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "NumPy without AVX2 and AVX-512": {
        "NPY_DISABLE_CPU_FEATURES": ADVERSE["NPY_DISABLE_CPU_FEATURES"]
    },
    "1 thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
    "4 threads": {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"},
    "hash seed 0": {"PYTHONHASHSEED": "0"},
    "hash seed 4294967295": {"PYTHONHASHSEED": "4294967295"},
    "a time zone 14 hours ahead": {"TZ": "Pacific/Kiritimati"},
    "the C locale": {"LC_ALL": "C", "LANG": "C"},
    "another locale": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    "files listed backwards": {"WATCH_LISTING": "reversed"},
    "another user and home": {"USER": "somebody", "LOGNAME": "somebody"},
    "umask 077": {"UMASK": "077"},
    "all at once": ADVERSE,
}
NEED_AVX512 = ("ATen with AVX-512", "OpenBLAS for SkylakeX")  # without it they end in SIGILL


def runnable_settings() -> tuple[dict[str, dict[str, str]], list[str]]:
    """Tell which settings this machine's CPU can run under, and the names of the others."""
    import torch  # here, as `make check` alone need not load it

    left_out = NEED_AVX512 if torch.backends.cpu.get_cpu_capability() != "AVX512" else ()
    return {name: each for name, each in SETTINGS.items() if name not in left_out}, list(left_out)
