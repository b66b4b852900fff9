using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// The formats of eight-bit floating-point numbers (Micikevicius et al., arXiv 2209.05433). TorchSharp supports neither; float16
/// represents both exactly.
/// </summary>
internal enum Float8
{
    /// <summary>Four exponent bits, three mantissa bits; no infinities, and NaN if all of them are set.</summary>
    E4M3,

    /// <summary>Five exponent bits, two mantissa bits: the upper half of a float16.</summary>
    E5M2,
}

/// <summary>Reads eight-bit floating-point numbers.</summary>
internal static class Float8Numbers
{
    private const int Codes = 256;
    private static readonly Half[] OfE4M3 = [.. Enumerable.Range(0, Codes).Select(code => E4M3((byte)code))];
    private static readonly Half[] OfE5M2 = [.. Enumerable.Range(0, Codes).Select(code => BitConverter.UInt16BitsToHalf((ushort)(code << 8)))];

    /// <summary>The values of all codes.</summary>
    public static Half[] Table(Float8 format) => format == Float8.E4M3 ? OfE4M3 : OfE5M2;

    /// <summary>Converts codes to float16.</summary>
    /// <param name="codes">The codes, flat, one byte each.</param>
    /// <param name="format">Their format.</param>
    public static unsafe Tensor ToHalf(Tensor codes, Float8 format)
    {
        var table = Table(format);
        var halves = empty(codes.numel(), dtype: ScalarType.Float16, device: CPU);
        var from = (byte*)TensorMemory.Address(codes);
        var to = (Half*)TensorMemory.Address(halves);
        for (long i = 0, count = codes.numel(); i < count; i++)
            to[i] = table[from[i]];
        return halves;
    }

    private static Half E4M3(byte code)
    {
        const int Bias = 7, MantissaBits = 3;
        var (exponent, mantissa) = ((code >> MantissaBits) & 0xF, code & 0x7);
        var size = (exponent, mantissa) switch
        {
            (0xF, 0x7) => double.NaN,
            (0, _) => Math.ScaleB(mantissa, 1 - Bias - MantissaBits),
            _ => Math.ScaleB(mantissa + (1 << MantissaBits), exponent - Bias - MantissaBits),
        };
        return (Half)((code & 0x80) == 0 ? size : -size);
    }
}
