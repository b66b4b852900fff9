using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Loader;
using TorchSharp;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Loads libtorch, either from the packages or from an installed PyTorch (see <see cref="TorchChoice"/>), with clear errors.
/// </summary>
/// <remarks>
/// TorchSharp's native library requires a version of libstdc++ that Debian 12 and Ubuntu 22.04 do not have, although it uses none of its
/// symbols (see <see cref="PatchedWrapper"/>). If the normal load fails, this class loads a private copy without that requirement.
/// If a load fails, TorchSharp itself copies all of libtorch into a directory <c>cpu</c> next to the program and reports a missing
/// package. <see cref="EnsureLoaded"/> loads the library before TorchSharp does, which avoids both.
/// </remarks>
internal static class LibTorch
{
    private const string WrapperName = "LibTorchSharp";
    private const string PackageVersions = "TorchSharp 0.107.0 with libtorch 2.10.0";

    private static readonly Lock Gate = new();
    private static readonly Assembly TorchAssembly = typeof(torch).Assembly;
    private static PatchedWrapper? patched;
    private static string? noCopy;
    private static InstalledTorch? installed;
    private static nint core;
    private static nint wrapper;

    /// <summary>Whether the CPU has bfloat16 arithmetic (AVX512_BF16 or AMX). Without it, float32 is many times faster.</summary>
    public static bool HasBFloat16Arithmetic { get; } = FindBFloat16Arithmetic();

    /// <summary>Loads libtorch if it is not loaded yet. Thread-safe; later calls cost nothing.</summary>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded; the message gives the reason.</exception>
    /// <exception cref="InvalidInputException">The libtorch named by <c>P2P_LIBTORCH</c> does not exist or is incompatible.</exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (wrapper != 0)
                return;
            IsBegun = true;
            if (Unsupported() is { } reason)
                throw new LibTorchLoadException(reason);
            FreedMemory.Keep();
            IdleThreads.Sleep();
            installed = TorchChoice.Here.Installed();
            if (installed is null)
                LoadPackages();
            else
                LoadInstalled(installed);
            new TorchContext(core).Silence();
            wrapper = Load(WrapperName);
            // By default, convolutions on a GPU would round their operands to 10 bits; bfloat16 is the explicit way to request that.
            torch.backends.cudnn.allow_tf32 = false;
        }
    }

    /// <summary>Whether this process has loaded libtorch or begun to load it.</summary>
    internal static bool IsBegun { get; private set; }

    /// <summary>
    /// Begins to load libtorch on another thread. <see cref="EnsureLoaded"/> waits for it, or tries again and reports the error. Until then, nothing may use
    /// TorchSharp.
    /// </summary>
    internal static void BeginToLoad()
    {
        // Here, because changing the environment while another thread reads it is not safe.
        IdleThreads.Sleep();
        IsBegun = true;
        new Thread(() =>
        {
            try
            {
                EnsureLoaded();
            }
            catch (Exception)
            {
                // It appears where libtorch is needed. Here, it would end the process.
            }
        })
        {
            IsBackground = true,
            Name = "loading libtorch",
        }.Start();
    }

    /// <summary>Loads libtorch and describes it.</summary>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded; the message gives the reason.</exception>
    /// <exception cref="InvalidInputException">The libtorch named by <c>P2P_LIBTORCH</c> does not exist or is incompatible.</exception>
    public static LibTorchFacts Describe()
    {
        EnsureLoaded();
        var informational = TorchAssembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? TorchAssembly.GetName().Version!.ToString();
        return new LibTorchFacts(
            informational.Split('+')[0],
            installed?.Version ?? torch.__version__,
            CoreFile,
            Processor.Name,
            patched?.Path ?? NativeSearchPath.Find(WrapperName),
            patched is not null,
            torch.get_num_threads(),
            CpuCapability(),
            HasBFloat16Arithmetic,
            Find("torch_cuda") is not null,
            torch.cuda.is_available() ? null : WhyNoCuda(),
            CudaDriver.Gpus());
    }

    /// <summary>Path of libtorch's CPU library; null if it is not in the search path. libtorch must be loaded.</summary>
    internal static string? CoreFile => Find("torch_cpu");

    /// <summary>The instruction set of libtorch's own kernels; null if unknown. libtorch must be loaded.</summary>
    internal static string? Kernels => CpuCapability();

    /// <inheritdoc cref="TorchContext.UseOneDnn"/>
    internal static bool UseOneDnn(bool isUsed) => new TorchContext(core).UseOneDnn(isUsed);

    /// <summary>The reason why no GPU is available, as the end of a sentence. libtorch must be loaded.</summary>
    internal static string WhyNoCuda() =>
        Find("torch_cuda") is null ? $"this libtorch supports only the CPU ({Find("torch_cpu")}); build with -p:TorchBackend=cuda, or with none to use a PyTorch with CUDA (docs/devices.md)"
        : CudaDriver.Problem is { } problem ? problem
        : CudaDriver.Gpus().Count == 0 ? $"NVIDIA's driver reports no GPU (CUDA_VISIBLE_DEVICES is \"{Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")}\")"
        : $"libtorch can use none of the GPUs here ({string.Join(", ", CudaDriver.Gpus())}); its driver may be too old for CUDA 12.8";

    private static string? Find(string library) => installed is null ? NativeSearchPath.Find(library) : installed.Find(library);

    private static void LoadPackages()
    {
        core = Load("torch_cpu");
        if (TorchChoice.Here.Backend == "cuda" || NativeSearchPath.Find("torch_cuda") is not null)
            Load("torch_cuda");
    }

    /// <summary>
    /// Loads an installed libtorch by path. TorchSharp's library, which is elsewhere, then finds its dependencies in the process by name,
    /// and so does TorchSharp when it loads libtorch again.
    /// </summary>
    private static void LoadInstalled(InstalledTorch chosen)
    {
        foreach (var library in InstalledTorch.Libraries)
            core = LoadFile(chosen.Find(library)!);
        // The CUDA libraries register their kernels when they are loaded. They find NVIDIA's libraries through their embedded paths.
        foreach (var path in InstalledTorch.CudaLibraries.Select(chosen.Find).OfType<string>())
            LoadFile(path);
        LoadFile(chosen.Find("torch")!);
    }

    private static nint LoadFile(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new LibTorchLoadException(
                $"{path} cannot be loaded (loader: \"{LoaderMessage(path, e)}\"). Reinstall that PyTorch, or set {TorchChoice.Variable} to another one.", e);
        }
    }

#pragma warning disable CA2255 // The handler must be registered before any assembly creates the first tensor; only a module initializer guarantees that.
    [ModuleInitializer]
    internal static void Register() => AssemblyLoadContext.Default.ResolvingUnmanagedDll += ResolveWrapper;
#pragma warning restore CA2255

    /// <summary>
    /// Called by the runtime when the normal load of a library has failed; returns a handle, or 0 if there is no alternative.
    /// </summary>
    private static nint ResolveWrapper(Assembly assembly, string name)
    {
        if (name != WrapperName || !OperatingSystem.IsLinux())
            return 0;
        lock (Gate)
        {
            if (patched is null)
            {
                // The copy is in another directory, so its dependencies must already be in the process, where they are found by name.
                if ((installed is null && !NativeLibrary.TryLoad("torch", TorchAssembly, null, out _)) || NativeSearchPath.Find(WrapperName) is not { } original)
                    return 0;
                patched = PatchedWrapper.TryLoad(original, out noCopy);
            }
            return patched?.Handle ?? 0;
        }
    }

    private static nint Load(string name)
    {
        try
        {
            return NativeLibrary.Load(name, TorchAssembly, null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            throw new LibTorchLoadException(Explain(name, e), e);
        }
    }

    private static string Explain(string name, Exception failure)
    {
        var file = NativeSearchPath.FileName(name);
        if (NativeSearchPath.Find(name) is not { } path)
        {
            return $"{file} was not found (searched {string.Join(", ", NativeSearchPath.Directories)}). "
                + $"Restore the packages and rebuild ({PackageVersions}).";
        }
        if (noCopy is not null)
            return noCopy;
        return $"{path} cannot be loaded (loader: \"{LoaderMessage(path, failure)}\"). "
            + $"Install the missing dependency, or restore the packages again ({PackageVersions}).";
    }

    /// <summary>
    /// The loader's own message. The runtime's message for a name lists every file it tried; its message for a path ends with "path:
    /// reason".
    /// </summary>
    private static string LoaderMessage(string path, Exception failure)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            failure = e;
        }
        var lines = failure.Message.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string line = lines.FirstOrDefault(line => line.StartsWith(path + ":", StringComparison.Ordinal)) ?? lines[^1];
        return line[(line.StartsWith(path + ":", StringComparison.Ordinal) ? path.Length + 1 : 0)..].Trim();
    }

    private static string? Unsupported()
    {
        if (OperatingSystem.IsWindows())
            return "TorchSharp 0.107.0 does not load on Windows (dotnet/TorchSharp#1567). Use Linux (including WSL) or macOS.";
        var cpu = RuntimeInformation.ProcessArchitecture;
        var exists = OperatingSystem.IsLinux() ? cpu == Architecture.X64 : OperatingSystem.IsMacOS() && cpu == Architecture.Arm64;
        return exists
            ? null
            : $"There is no libtorch for {RuntimeInformation.RuntimeIdentifier}. Use Linux on x64, or macOS on Apple silicon.";
    }

    /// <summary>Queries libtorch itself, because its choice also depends on the environment variable ATEN_CPU_CAPABILITY.</summary>
    private static unsafe string? CpuCapability()
    {
        // std::string at::get_cpu_capability() in the Linux x64 calling convention: the caller passes the address for the 32-byte string.
        // The names are shorter than 16 characters, which libstdc++ stores inside the object, so there is nothing to free.
        if (!OperatingSystem.IsLinux()
            || !NativeLibrary.TryGetExport(core, "_ZN2at18get_cpu_capabilityB5cxx11Ev", out var function))
        {
            return null;
        }
        var text = stackalloc nint[4];
        ((delegate* unmanaged<nint*, nint*>)function)(text);
        return text[1] < 16 ? Marshal.PtrToStringUTF8(text[0], (int)text[1]) : null;
    }

    private static bool FindBFloat16Arithmetic()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return false;
        var amx = (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0;
        var avx512 = (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;
        return amx || avx512;
    }
}
