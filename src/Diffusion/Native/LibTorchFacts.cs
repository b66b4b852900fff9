namespace PromptToPrompt.Diffusion.Native;

/// <summary>What is known of the loaded libtorch; see <see cref="LibTorch.Describe"/>.</summary>
/// <param name="TorchSharpVersion">Version of the TorchSharp package.</param>
/// <param name="LibTorchVersion">Version of libtorch: as an installed one states it, else that which TorchSharp was built for.</param>
/// <param name="LibTorchPath">The file of libtorch's CPU library.</param>
/// <param name="Processor">The processor's name, family, model and stepping.</param>
/// <param name="WrapperPath">The file of TorchSharp's native library that is in use.</param>
/// <param name="IsPatched">True where a private copy is in use because the system's libstdc++ is older than the package asks for.</param>
/// <param name="Threads">Number of threads an operation may use.</param>
/// <param name="CpuCapability">The instruction set libtorch's kernels chose, such as <c>AVX2</c> or <c>AVX512</c>; null where it does not tell.</param>
/// <param name="HasBFloat16Arithmetic">The CPU multiplies bfloat16 numbers itself (AVX512_BF16 or AMX), which makes that type the fast one.</param>
/// <param name="HasCudaLibraries">This libtorch is one that was built for NVIDIA's GPUs.</param>
/// <param name="WhyNoCuda">Why no GPU can be used, as the end of a sentence; null where one can.</param>
/// <param name="Gpus">The GPUs that the driver shows.</param>
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
