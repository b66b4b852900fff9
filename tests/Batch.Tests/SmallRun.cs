using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Tests;

/// <summary>A plan of a few items in a folder of its own, made with a tiny model in a few milliseconds an item.</summary>
internal sealed class SmallRun : IDisposable
{
    private static readonly string[] Lines =
    [
        """{"source": "a white house in a field", "target": ["a red house in a field", "a white castle in a field"], "edit": ["make it red", "make it a castle"]}""",
        """{"source": "a cat in the snow", "target": "a dog in the snow", "self": [0.1, 0.9], "guidance": [3, 7], "samples": 2}""",
        """{"source": "a red car in the city", "target": "a blue car in the city", "id": "car", "weight": "blue=1..2"}""",
        """{"source": "a boat on the lake", "target": "a boat on the lake at night", "seed": 4}""",
        """{"source": "a dog in a field", "target": "a cat in a field"}""",
    ];

    private readonly TemporaryFolder folder = new();

    public SmallRun(params string[] lines) => File.WriteAllLines(PlanPath, lines.Length > 0 ? lines : Lines);

    public string PlanPath => folder["plan.jsonl"];

    public string this[string name] => folder[name];

    public BatchRequest Request(string output = "out") => new()
    {
        Plan = BatchPlan.Read(PlanPath),
        Folder = folder[output],
        Layout = new TarLayout { Format = ImageFormat.Png },
        Settings = SettingValues.None.With("steps", "1").With("size", "64x64"),
        ShardSize = 2,
    };

    public static BatchProgress Execute(BatchRequest request, IProgress<BatchProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new BatchRun(TinyModel.Shared.Model, request).Execute(progress, cancellationToken);

    /// <summary>All files of a folder by their relative names, as hexadecimal hashes.</summary>
    public SortedDictionary<string, string> Files(string output = "out") => Hashes.Of(folder[output]);

    /// <summary>An image of random pixels, always the same.</summary>
    public static Image Noise(int width, int height)
    {
        var pixels = new byte[width * height * 3];
        new Random(1).NextBytes(pixels);
        return new Image(width, height, pixels);
    }

    public void Dispose() => folder.Dispose();
}
