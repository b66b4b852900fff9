using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>The processor of this machine.</summary>
internal static class Processor
{
    private const int FirstBrandLeaf = unchecked((int)0x80000002), LastBrandLeaf = unchecked((int)0x80000004);

    /// <summary>
    /// Its name with family, model and stepping, which distinguish processors even if a virtual machine hides their names.
    /// </summary>
    public static string Name { get; } = Describe();

    private static string Describe()
    {
        if (!X86Base.IsSupported)
            return RuntimeInformation.ProcessArchitecture.ToString();
        var signature = X86Base.CpuId(1, 0).Eax;
        var (family, model, stepping) = ((signature >> 8) & 15, (signature >> 4) & 15, signature & 15);
        // The extended fields apply if the base fields have their maximum values, as both vendors' manuals specify.
        if (family is 6 or 15)
            model += ((signature >> 16) & 15) << 4;
        if (family == 15)
            family += (signature >> 20) & 255;
        return $"{Brand()} (family {family}, model {model}, stepping {stepping})";
    }

    private static string Brand()
    {
        if (unchecked((uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax) < unchecked((uint)LastBrandLeaf))
            return "x86-64";
        var text = new StringBuilder();
        for (var leaf = FirstBrandLeaf; leaf <= LastBrandLeaf; leaf++)
        {
            var (a, b, c, d) = X86Base.CpuId(leaf, 0);
            text.Append(Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>([a, b, c, d])));
        }
        return string.Join(' ', text.ToString().Split(['\0', ' '], StringSplitOptions.RemoveEmptyEntries));
    }
}
