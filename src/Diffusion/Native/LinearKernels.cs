namespace PromptToPrompt.Diffusion.Native;

/// <summary>The libraries that can compute float32 linear layers on an x64 CPU.</summary>
internal enum LinearLibrary
{
    /// <summary>Intel's MKL, which libtorch uses for float32 products. On AMD's processors it does not use AVX-512.</summary>
    Mkl,

    /// <summary>oneDNN, which libtorch uses for convolutions: the product is written as a 1×1 convolution.</summary>
    OneDnn,
}

/// <summary>The library that computes float32 linear layers on the CPU in this process. Like the use of oneDNN itself, it depends on the machine alone.</summary>
internal static class LinearKernels
{
    private static volatile LinearLibrary library;

    /// <summary>The library; MKL until the check of the machine has decided otherwise.</summary>
    public static LinearLibrary Library => library;

    /// <summary>Sets the library. Only the check of the machine may do so.</summary>
    internal static void Use(LinearLibrary chosen) => library = chosen;
}
