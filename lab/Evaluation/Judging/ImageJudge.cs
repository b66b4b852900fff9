using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>
/// Classifies images of the drawn world. It is trained only on drawings (<see cref="JudgeTraining"/>), never on a model's images.
/// </summary>
internal sealed class ImageJudge : IDisposable
{
    /// <summary>File name of a judge.</summary>
    public const string FileName = "judge.safetensors";

    private readonly WeightSource weights;
    private readonly JudgeNetwork network;

    internal ImageJudge(WeightSource weights)
    {
        this.weights = weights;
        network = new JudgeNetwork(weights.Root);
    }

    /// <summary>Loads a judge.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged or not a judge.</exception>
    public static ImageJudge Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var stored = new StoredWeights(path, file.Tensors.ToDictionary(entry => entry.Key, entry => new StoredWeight(entry.Value.Shape, () =>
        {
            using var tensor = file.Read(entry.Key);
            return tensor.to(ScalarType.Float32);
        })));
        var judge = new ImageJudge(stored);
        stored.RequireAllUsed();
        return judge;
    }

    /// <summary>Judges an image of any size.</summary>
    public Judgement Judge(Image image) => Judge([image])[0];

    /// <summary>Judges images of one size.</summary>
    public IReadOnlyList<Judgement> Judge(IReadOnlyList<Image> images)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var pixels = stack(images.Select(image => image.ToTensor())).permute(0, 3, 1, 2).to(ScalarType.Float32).div_(Scalar(127.5)).sub_(Scalar(1));
        return Judge(pixels);
    }

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();

    internal IReadOnlyList<Judgement> Judge(Tensor pixels)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var slots = network.Forward(pixels).Select(scores => scores.softmax(1).data<float>().ToArray()).ToList();
        return
        [
            .. Enumerable.Range(0, (int)pixels.shape[0]).Select(row => new Judgement(
                [.. slots.Select((values, slot) => values.AsSpan(row * Slots.Count((Slot)slot), Slots.Count((Slot)slot)).ToArray())])),
        ];
    }
}
