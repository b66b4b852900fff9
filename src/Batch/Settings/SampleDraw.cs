using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PromptToPrompt.Batch.Settings;

/// <summary>
/// The random numbers of one sample. Each is a hash of the run's seed, the item's content, the sample's number and its own name, so it is the same on every machine
/// and in any order of the work.
/// </summary>
/// <param name="RunSeed">Seed of the run.</param>
/// <param name="Content">Hash of the item's content; see <see cref="Plans.PlanItem.Content"/>.</param>
/// <param name="Sample">Number of the sample, from 0.</param>
internal readonly record struct SampleDraw(ulong RunSeed, string Content, int Sample)
{
    // A double has 53 bits. JSON readers that know no other numbers read seeds of as many bits exactly.
    private const int Bits = 53;

    /// <summary>The sample's seed.</summary>
    public ulong Seed => Draw("seed");

    /// <summary>A number from 0 up to, but not including, 1.</summary>
    /// <param name="name">Name of the drawn number.</param>
    public double Uniform(string name) => Draw(name) / (double)(1L << Bits);

    private ulong Draw(string name)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{RunSeed}\n{Content}\n{Sample}\n{name}");
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) >> (64 - Bits);
    }
}
