using TorchSharp;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Numbers as operands of tensor operations. TorchSharp makes a native scalar of a number, whose only owner is a managed object that nothing
/// refers to any more while libtorch reads it: a garbage collection at that moment frees it, and the operation fails with "Unknown scalar
/// type" or computes with garbage. The numbers made here are referred to for longer than an operation takes. The implicit ways are banned.
/// </summary>
public static class HeldScalar
{
    // More than the operands of any one expression; a thread runs one operation at a time.
    private const int Count = 64;

    [ThreadStatic]
    private static Scalar[]? held;

    [ThreadStatic]
    private static int next;

    /// <summary>A floating-point number.</summary>
    public static Scalar Held(double value) => Hold(value.ToScalar());

    /// <summary>A whole number, for tensors of whole numbers.</summary>
    public static Scalar Held(long value) => Hold(value.ToScalar());

    private static Scalar Hold(Scalar scalar)
    {
        held ??= new Scalar[Count];
        held[next] = scalar;
        next = (next + 1) % Count;
        return scalar;
    }
}
