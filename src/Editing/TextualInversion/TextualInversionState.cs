using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Inversion;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>The state of a training run: the vectors and the optimizer's moments, for each text encoder.</summary>
internal sealed class TextualInversionState : IDisposable
{
    private const string Format = "p2p-concept-1";
    private readonly IReadOnlyList<Adam> optimizers;

    private TextualInversionState(IReadOnlyList<Adam> optimizers) => this.optimizers = optimizers;

    /// <summary>Number of steps taken.</summary>
    public int Step => optimizers[0].Steps;

    /// <summary>The vectors for each text encoder, [vectors, width] float32.</summary>
    public IReadOnlyList<Tensor> Vectors => [.. optimizers.Select(optimizer => optimizer.Value)];

    /// <summary>The initial state.</summary>
    public static TextualInversionState Begin(IReadOnlyList<Tensor> initial) => new([.. initial.Select(rows => new Adam(rows))]);

    /// <summary>Takes an optimizer step.</summary>
    /// <param name="gradients">The gradient for each text encoder's vectors.</param>
    /// <param name="rates">The learning rate of each.</param>
    /// <param name="decay">Weight decay.</param>
    public void Update(IReadOnlyList<Tensor> gradients, IReadOnlyList<double> rates, double decay)
    {
        foreach (var (i, optimizer) in optimizers.Index())
            optimizer.Step(gradients[i], rates[i], decay);
    }

    /// <summary>Writes the state atomically.</summary>
    /// <param name="path">Destination path.</param>
    /// <param name="key">Key of the training run, from <see cref="KeyOf"/>.</param>
    public void Save(string path, string key)
    {
        using var _ = no_grad();
        SafetensorsWriter.Write(
            path,
            optimizers.Index().SelectMany(entry => Parts(entry.Index).Zip([entry.Item.Value, entry.Item.First, entry.Item.Second], KeyValuePair.Create)),
            new Dictionary<string, string> { ["format"] = Format, ["key"] = key, ["step"] = Step.ToString(CultureInfo.InvariantCulture) });
    }

    /// <summary>Reads a state; null if the file is missing, is damaged, or belongs to another training run.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="key">The expected key.</param>
    /// <param name="device">Device for the vectors.</param>
    public static TextualInversionState? Load(string path, string key, Device device)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            using var file = SafetensorsFile.Open(path);
            if (file.Metadata.GetValueOrDefault("format") != Format || file.Metadata.GetValueOrDefault("key") != key)
                return null;
            var step = int.Parse(file.Metadata["step"], CultureInfo.InvariantCulture);
            var encoders = Enumerable.Range(0, file.Tensors.Count / Parts(0).Count);
            return new([.. encoders.Select(i => Parts(i).Select(name => file.Read(name).to(device)).ToList()).Select(parts => new Adam(parts[0], parts[1], parts[2], step))]);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    /// <summary>
    /// The key that identifies a training run. It excludes the number of steps, so that a run can be extended, and the model's device and
    /// type, because vectors and moments are float32 in any.
    /// </summary>
    public static string KeyOf(StableDiffusionModel model, TextualInversionSettings settings, IReadOnlyList<ExampleImage> images)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(new
        {
            model.Fingerprint,
            Settings = settings with { Steps = 1, SaveMemory = null },
            Images = images.Select(image => new { image.Sizes, image.Caption, Content = Convert.ToHexString(SHA256.HashData(image.Image.Rgb)) }),
        }));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void Dispose()
    {
        foreach (var optimizer in optimizers)
            optimizer.Dispose();
    }

    private static IReadOnlyList<string> Parts(int encoder) => [$"vectors.{encoder}", $"first.{encoder}", $"second.{encoder}"];
}
