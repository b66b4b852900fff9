using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Creates scalars as operands of tensor operations. TorchSharp's native scalar is owned only by a managed object that is unreachable
/// while libtorch reads it. A garbage collection at that moment frees it, and the operation fails with "Unknown scalar
/// type" or computes garbage. The scalars created here stay referenced for longer than an operation takes. TorchSharp's own scalars
/// (implicit conversions, and those created inside sums, squares and other operations) are banned (eng/BannedSymbols.Scalars.txt). The
/// replacements here give bit-identical results.
/// </summary>
public static class NativeScalar
{
    // More than the operands of any single expression; a thread runs one operation at a time.
    private const int Count = 64;

    [ThreadStatic]
    private static Scalar[]? held;

    [ThreadStatic]
    private static int next;

#pragma warning disable RS0030 // Scalars created here are kept referenced.

    /// <summary>A floating-point scalar.</summary>
    public static Scalar Scalar(double value) => Hold(value.ToScalar());

    /// <summary>An integer scalar, for integer tensors.</summary>
    public static Scalar Scalar(long value) => Hold(value.ToScalar());

    /// <summary>Reads the value of a single-element tensor.</summary>
    public static double ReadDouble(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToDouble();
    }

    /// <summary>Reads the value of a single-element integer tensor.</summary>
    public static long ReadInt64(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToInt64();
    }

    /// <summary>Reads the value of a single-element Boolean tensor.</summary>
    public static bool ReadBoolean(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToBoolean();
    }

#pragma warning restore RS0030

    /// <summary>The sum of two tensors, broadcast to each other's shape.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, Scalar(1));

    /// <summary>Adds a number to each element.</summary>
    public static Tensor Plus(this Tensor left, Scalar right) => left.add(right, Scalar(1));

    /// <summary>Adds a tensor to this one in place, broadcast to its shape, and returns this tensor.</summary>
    public static Tensor AddInPlace(this Tensor left, Tensor right) => left.add_(right, Scalar(1));

    /// <summary>Adds a number to each element in place, and returns this tensor.</summary>
    public static Tensor AddInPlace(this Tensor left, Scalar right) => left.add_(right, Scalar(1));

    /// <summary>The square of each element.</summary>
    public static Tensor Squared(this Tensor tensor) => tensor.pow(Scalar(2));

    /// <summary>1 − x for each element.</summary>
    public static Tensor OneMinus(Tensor tensor)
    {
        using var negative = tensor.neg();
        return negative.Plus(Scalar(1));
    }

    private static Scalar Hold(Scalar scalar)
    {
        held ??= new Scalar[Count];
        held[next] = scalar;
        next = (next + 1) % Count;
        return scalar;
    }
}
