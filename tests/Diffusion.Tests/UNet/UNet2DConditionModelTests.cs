using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.UNet;

public class UNet2DConditionModelTests
{
    [Theory]
    [InlineData("tiny-sd15", "sample", "eps")]
    [InlineData("tiny-sd15", "sample_small", "eps_small")]
    [InlineData("tiny-sd21", "sample", "out")]
    [InlineData("tiny-sdxl", "sample", "out")]
    public void OutputsMatchTheReference(string name, string input, string output)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var weights = reference.Stored("unet");
        var model = new UNet2DConditionModel(UNetConfig.FromFile(reference.Config("unet")), weights.Root);
        weights.RequireAllUsed();
        var goldens = reference.Goldens("unet");
        var (sample, conditioning) = Inputs(model, goldens, input);
        var timesteps = new long[] { 981, 500, 1 };
        Assert.Equal(timesteps.Length, goldens.Tensors.Keys.Count(k => k.StartsWith($"{output}.t", StringComparison.Ordinal)));

        foreach (var timestep in timesteps)
            ReferenceModel.AssertClose(goldens, $"{output}.t{timestep}", model.Forward(sample, tensor(new[] { timestep }), conditioning));
    }

    [Theory]
    [InlineData("tiny-sd15", "sample_small", "small_mid")]
    [InlineData("tiny-sd21", "sample", "mid")]
    [InlineData("tiny-sdxl", "sample", "mid")]
    public void EveryBlockMatchesTheReference(string name, string input, string prefix)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var config = UNetConfig.FromFile(reference.Config("unet"));
        var weights = reference.Stored("unet").Root;
        var goldens = reference.Goldens("unet");
        var (sample, conditioning) = Inputs(new UNet2DConditionModel(config, weights), goldens, input);
        var (finest, sites) = (config.Levels[0].Channels, new SiteRegistry());
        var call = new UNetCall(AttentionProcessor.Plain, DenoisingStep.None, (int)sample.shape[2], (int)sample.shape[3]);

        // The recorded blocks belong to the first of the recorded timesteps. Every row has the same one.
        var time = tensor(new long[] { 981 }).expand(sample.shape[0]);
        var embedding = new TimestepEmbedding(weights["time_embedding"], finest, finest * 4, config.CosineFirst, config.FrequencyShift)
            .Forward(time, ScalarType.Float32);
        ReferenceModel.AssertClose(goldens, $"{prefix}.time_embedding", embedding);
        if (conditioning.Vector is { } vector)
        {
            var added = new EmbeddingMlp(weights["add_embedding"], config.Vector!.Width, finest * 4).Forward(vector);
            ReferenceModel.AssertClose(goldens, $"{prefix}.add_embedding", added);
            embedding += added;
        }

        embedding = Activations.Silu(embedding);
        var x = new Conv2d(weights["conv_in"], config.InChannels, finest, 3, padding: 1).Forward(sample);
        ReferenceModel.AssertClose(goldens, $"{prefix}.conv_in", x);
        var skips = new Stack<Tensor>([x]);
        for (var i = 0; i < config.Levels.Count; i++)
            Run(UNetBlocks.Down(weights["down_blocks"][i], sites, config, i, finest * 4), $"down_blocks.{i}");
        Run(UNetBlocks.Mid(weights["mid_block"], sites, config, finest * 4), "mid_block");
        for (var i = 0; i < config.Levels.Count; i++)
            Run(UNetBlocks.Up(weights["up_blocks"][i], sites, config, config.Levels.Count - 1 - i, finest * 4), $"up_blocks.{i}");
        Assert.Empty(skips);

        void Run(IEnumerable<UNetLink> block, string golden)
        {
            x = UNetLink.RunAll(block, x, embedding, conditioning.Text, call, skips);
            ReferenceModel.AssertClose(goldens, $"{prefix}.{golden}", x);
        }
    }

    [Fact]
    public void SizesThatDoNotHalveEvenlyComeBackUnchanged()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var model = new UNet2DConditionModel(UNetConfig.FromFile(reference.Config("unet")), reference.Stored("unet").Root);

        var output = model.Forward(ones(1, 4, 13, 10), tensor(new long[] { 500 }), new Conditioning(ones(1, 77, model.Config.CrossAttentionDim)));

        Assert.Equal([1, 4, 13, 10], output.shape);
        Assert.True(output.isfinite().all().item<bool>());
    }

    [Fact]
    public void AttentionSitesAreNumberedInTheOrderTheyRun()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var model = new UNet2DConditionModel(UNetConfig.FromFile(reference.Config("unet")), reference.Stored("unet").Root);
        var recorder = new Recorder();

        model.Forward(ones(1, 4, 16, 8), tensor(new long[] { 500 }), new Conditioning(ones(1, 77, model.Config.CrossAttentionDim)), recorder);

        Assert.Equal(32, model.AttentionSites.Count);
        Assert.Equal(Enumerable.Range(0, 32), model.AttentionSites.Select(s => s.Index));
        Assert.Equal(model.AttentionSites, recorder.Calls.Select(c => c.Site));
        Assert.Equal([12, 2, 18], model.AttentionSites.GroupBy(s => s.Stage).Select(g => g.Count()));
        Assert.All(model.AttentionSites, s => Assert.EndsWith(s.Kind == AttentionKind.Cross ? ".attn2" : ".attn1", s.Name, StringComparison.Ordinal));
        Assert.All(model.AttentionSites, s => Assert.True(reference.Weights("unet").Tensors.ContainsKey($"{s.Name}.to_q.weight"), s.Name));
        Assert.Equal((16, 8), (recorder.Calls[0].Height, recorder.Calls[0].Width));
        Assert.Equal((2, 1), (recorder.Calls[12].Height, recorder.Calls[12].Width));
    }

    private static (Tensor Sample, Conditioning Conditioning) Inputs(UNet2DConditionModel model, SafetensorsFile goldens, string input)
    {
        var sample = goldens.Read(input);
        return (sample, new Conditioning(
            goldens.Read("encoder_hidden_states").slice(0, 0, sample.shape[0], 1),
            model.Config.Vector is null ? null : UNet2DConditionModel.Vector(model.Config, goldens.Read("text_embeds"), goldens.Read("time_ids"))));
    }

    private sealed class Recorder : AttentionProcessor
    {
        public List<AttentionCall> Calls { get; } = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            Assert.Equal(call.Positions, query.shape[2]);
            Assert.Equal(call.Site.Kind == AttentionKind.Cross ? 77 : call.Positions, key.shape[2]);
            Calls.Add(call);
            return Plain.Attend(call, query, key, value);
        }
    }
}
