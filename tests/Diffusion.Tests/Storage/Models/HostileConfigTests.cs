using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>Configs with any value in any of their fields: a model either computes with it or is refused by name; it never breaks the program.</summary>
public sealed class HostileConfigTests : IDisposable
{
    private static readonly string[] Values = ["0", "-1", "3", "2147483647", "1e999", "[]"];
    private static readonly string[] MoreOfSchedulers =
        ["trained_betas", "original_inference_steps", "timestep_scaling", "clip_sample_range", "use_karras_sigmas", "solver_order"];

    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(ModelParts.UNet)]
    [InlineData(ModelParts.Vae)]
    [InlineData(ModelParts.TextEncoder)]
    [InlineData(ModelParts.TextEncoder2)]
    [InlineData(ModelParts.Scheduler)]
    public void EveryFieldMayBeAnything(string part)
    {
        var model = SmallModel.Write(folder["m"], SmallModel.XlShape);
        var path = Path.Combine(model, part, ModelParts.ConfigFile(part));
        var sound = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (var field in part == ModelParts.Scheduler ? MoreOfSchedulers : [])
            sound.TryAdd(field, null);
        var refused = 0;
        foreach (var (field, _) in sound.ToList())
        {
            foreach (var value in Values)
            {
                var config = sound.DeepClone().AsObject();
                config[field] = JsonNode.Parse(value);
                File.WriteAllText(path, config.ToJsonString());
                var error = Record.Exception(() => Use(model));
                Assert.True(error is null or InvalidInputException, $"{part}: {field} = {value}: {error}");
                Assert.True(error?.Message.Contains('\n') != true, $"{part}: {field} = {value}: {error?.Message}");
                refused += error is null ? 0 : 1;
            }
        }

        Assert.True(refused > sound.Count);
    }

    public void Dispose() => folder.Dispose();

    private static void Use(string path)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        ModelCheck.Of(path);
        using var model = StableDiffusionModel.Load(path);
        foreach (var kind in Enum.GetValues<SchedulerKind>())
            model.CreateScheduler(kind, 2).Dispose();
        var prompt = TextConditioning.Encode(model, [model.Tokenizer.Tokenize("a cat")]);
        model.UNet.Forward(zeros(1, 4, 8, 8), tensor(new[] { 5L }), prompt);
        model.Vae.Decode(zeros(1, 4, 4, 4));
    }
}
