using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Numbers as operands of tensor operations. TorchSharp makes a native scalar of a number, whose only owner is a managed object that nothing
/// refers to any more while libtorch reads it: a garbage collection at that moment frees it, and the operation fails with "Unknown scalar
/// type" or computes with garbage. The numbers made here are referred to for longer than an operation takes. TorchSharp's own ways, implicit
/// conversions and the scalars that sums, squares and others make inside, are banned (eng/BannedSymbols.Scalars.txt); their replacements here
/// give the same numbers, bit for bit.
/// </summary>
public static class NativeScalar
{
    // More than the operands of any one expression; a thread runs one operation at a time.
    private const int Count = 64;

    [ThreadStatic]
    private static Scalar[]? held;

    [ThreadStatic]
    private static int next;

#pragma warning disable RS0030 // Here they are held.

    /// <summary>A floating-point number.</summary>
    public static Scalar Scalar(double value) => Hold(value.ToScalar());

    /// <summary>A whole number, for tensors of whole numbers.</summary>
    public static Scalar Scalar(long value) => Hold(value.ToScalar());

    /// <summary>The only number of a tensor.</summary>
    public static double ReadDouble(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToDouble();
    }

    /// <summary>The only number of a tensor of whole numbers.</summary>
    public static long ReadInt64(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToInt64();
    }

    /// <summary>The only answer of a tensor of truth values.</summary>
    public static bool ReadBoolean(this Tensor tensor)
    {
        using var scalar = tensor.ToScalar();
        return scalar.ToBoolean();
    }

#pragma warning restore RS0030

    /// <summary>The sum of two tensors, broadcast to each other's shape.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, Scalar(1));

    /// <summary>A tensor with a number added to each element.</summary>
    public static Tensor Plus(this Tensor left, Scalar right) => left.add(right, Scalar(1));

    /// <summary>Adds a tensor, broadcast to the shape of this one, to this one, and returns this one.</summary>
    public static Tensor AddInPlace(this Tensor left, Tensor right) => left.add_(right, Scalar(1));

    /// <summary>Adds a number to each element of this tensor, and returns this one.</summary>
    public static Tensor AddInPlace(this Tensor left, Scalar right) => left.add_(right, Scalar(1));

    /// <summary>The square of each element.</summary>
    public static Tensor Squared(this Tensor tensor) => tensor.pow(Scalar(2));

    /// <summary>1 − x of each element.</summary>
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
