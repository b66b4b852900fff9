using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native;

/// <summary>The calls into TorchSharp's native library are declared here, so a new version of it must be seen to fit.</summary>
public sealed unsafe class TensorMemoryTests
{
    private static readonly List<nint> Released = [];

    [Fact]
    public void AWrappedTensorLiesOnTheMemoryAndReleasesItOnce()
    {
        var memory = (float*)NativeMemory.AlignedAlloc(6 * sizeof(float), 64);
        try
        {
            for (var i = 0; i < 6; i++)
                memory[i] = i;
            using (var flat = TensorMemory.Wrap((nint)memory, 6, ScalarType.Float32, &Release))
            {
                Assert.Equal([6], flat.shape);
                Assert.Equal(float32, flat.dtype);
                Assert.Equal((nint)memory, TensorMemory.Address(flat));
                using var matrix = flat.reshape(2, 3);
                memory[5] = 50;
                flat.Dispose();
                Assert.Empty(Released);
                Assert.Equal([0f, 1, 2, 3, 4, 50], matrix.data<float>().ToArray());
            }
            Assert.Equal([(nint)memory], Released);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 8)]
    [InlineData(ScalarType.Float16, 2)]
    [InlineData(ScalarType.BFloat16, 2)]
    [InlineData(ScalarType.Int64, 8)]
    [InlineData(ScalarType.Bool, 1)]
    public void BytesAreCopiedAsTheyLieInMemory(ScalarType type, int size)
    {
        using var tensor = ones(3, dtype: type);
        using var stream = new MemoryStream();
        TensorMemory.CopyTo(tensor, stream);
        Assert.Equal(tensor.bytes.ToArray(), stream.ToArray());
        Assert.Equal(3 * size, stream.Length);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint address) => Released.Add(address);
}
