namespace PromptToPrompt.Diffusion.Native;

/// <summary>Information about the loaded libtorch; see <see cref="LibTorch.Describe"/>.</summary>
/// <param name="TorchSharpVersion">Version of the TorchSharp package.</param>
/// <param name="LibTorchVersion">Version of libtorch: as stated by an installed one, otherwise the one that TorchSharp was built
/// for.</param>
/// <param name="LibTorchPath">Path of libtorch's CPU library.</param>
/// <param name="Processor">The processor's name, family, model and stepping.</param>
/// <param name="WrapperPath">Path of the loaded native library of TorchSharp.</param>
/// <param name="IsPatched">Whether a private copy is used because the system's libstdc++ is older than required.</param>
/// <param name="Threads">Number of threads per operation.</param>
/// <param name="CpuCapability">The instruction set of libtorch's kernels, such as <c>AVX2</c> or <c>AVX512</c>; null if unknown.</param>
/// <param name="HasBFloat16Arithmetic">Whether the CPU has bfloat16 arithmetic (AVX512_BF16 or AMX), which makes that type the
/// fastest.</param>
/// <param name="HasCudaLibraries">Whether this libtorch is a CUDA build.</param>
/// <param name="WhyNoCuda">The reason why no GPU is available, as the end of a sentence; null if one is.</param>
/// <param name="Gpus">The GPUs reported by the driver.</param>
internal sealed record LibTorchFacts(
    string TorchSharpVersion,
    string LibTorchVersion,
    string? LibTorchPath,
    string Processor,
    string? WrapperPath,
    bool IsPatched,
    int Threads,
    string? CpuCapability,
    bool HasBFloat16Arithmetic,
    bool HasCudaLibraries,
    string? WhyNoCuda,
    IReadOnlyList<Gpu> Gpus);
