using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>Plug-and-Play against its definition with every map, and with the source recorded.</summary>
public sealed class PlugAndPlayTests(MethodFixture fixture) : IClassFixture<MethodFixture>
{
    // Attention of the first two of five steps, features of the first four.
    private static readonly EditRequest Edit = new() { Prompts = [MethodFixture.Target], Method = new PlugAndPlay { AttentionSteps = 0.4, FeatureSteps = 0.8 } };

    // The small network's decoder begins with layer 3 and has its first attention in its first level.
    private static AttentionProcessor Definition => new InjectedMaps(attentionSteps: 2, featureSteps: 4, firstLayer: 4, "up_blocks.0.resnets.1");

    [Fact]
    public void AnEditIsWhatItsDefinitionSays()
    {
        using var scope = NewDisposeScope();
        var expected = MethodFixture.Plain.Run(fixture.Model, fixture.Noise, Definition);
        using var result = EditRun.Execute(fixture.Model, fixture.Drawn, Edit);

        AssertClose(expected, result.Latents);
        AssertDiffers(fixture.Edit(fixture.Drawn, MethodFixture.Free), expected.narrow(0, 1, 1), 1e-2);
        AssertDiffers(fixture.Edit(fixture.Drawn, Edit with { Method = new PlugAndPlay { AttentionSteps = 0.4, FeatureSteps = 0 } }), expected.narrow(0, 1, 1));
        AssertDiffers(fixture.Edit(fixture.Drawn, Edit with { Method = new PlugAndPlay { AttentionSteps = 0, FeatureSteps = 0.8 } }), expected.narrow(0, 1, 1));
    }

    [Fact]
    public void AnInvertedImageGivesItsActivationsToEachEdit()
    {
        using var scope = NewDisposeScope();
        var trajectory = fixture.Inverted.SourceTrajectory;
        var expected = MethodFixture.Plain.Run(fixture.Model, trajectory.narrow(0, 0, 1), Definition, trajectory).narrow(0, 1, 1);
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(fixture.Inverted), ScalarType.Float32, long.MaxValue);
        using var first = session.Edit(Edit);
        using var second = session.Edit(Edit);

        AssertClose(expected, first.Latents, what: "the first edit, with the source in its batch");
        AssertClose(expected, second.Latents, what: "the second edit, with the recorded source");
    }

    [Fact]
    public void RowsMayBeComputedOneAfterAnother()
    {
        using var scope = NewDisposeScope();
        AssertClose(fixture.Edit(fixture.Drawn, Edit), fixture.Edit(fixture.Drawn with { RowByRow = true }, Edit));
    }

    // A row by itself must not write into what is kept for the next.
    [Fact]
    public void SeveralEditsRowByRowAreThoseOfOneBatch()
    {
        using var scope = NewDisposeScope();
        var three = Edit with { Prompts = [MethodFixture.Target, MethodFixture.Target, MethodFixture.Target] };
        using var together = EditRun.Execute(fixture.Model, fixture.Drawn, three);
        using var apart = EditRun.Execute(fixture.Model, fixture.Drawn with { RowByRow = true }, three);
        AssertClose(together.Latents, apart.Latents);
    }

    [Fact]
    public void EditsOfOneRowLeaveTheRecordingAsItIs()
    {
        using var scope = NewDisposeScope();
        var unguided = fixture.Drawn with { Sampling = fixture.Drawn.Sampling with { Guidance = 1 } };
        using var session = new EditSession(fixture.Model, unguided, ScalarType.Float32, long.MaxValue);
        using var first = session.Edit(Edit);
        for (var i = 0; i < 3; i++)
        {
            using var next = session.Edit(Edit);
            AssertClose(first.Latents, next.Latents, what: $"edit {i + 2}");
        }
    }

    [Fact]
    public void WithoutStepsNothingIsTaken()
    {
        using var scope = NewDisposeScope();
        var none = Edit with { Method = new PlugAndPlay { AttentionSteps = 0, FeatureSteps = 0 } };
        AssertClose(fixture.Edit(fixture.Drawn, MethodFixture.Free), fixture.Edit(fixture.Drawn, none), 1e-6);
    }

    /// <summary>Equations 1 and 2 with every map.</summary>
    private sealed class InjectedMaps(int attentionSteps, int featureSteps, int firstLayer, string block) : AttentionProcessor
    {
        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            var map = PlainMethod.Map(query, key);
            if (call.Site.Kind == AttentionKind.Self && call.Step.Index < attentionSteps && call.Site.Index / 2 >= firstLayer)
                map = PlainMethod.Rows(map, PlainMethod.RowOfSource);
            return matmul(map, value);
        }

        public override Tensor Residual(in ResidualCall call, Tensor features) =>
            call.Step.Index < featureSteps && call.Site.Name == block ? PlainMethod.Rows(features, PlainMethod.RowOfSource) : features;
    }
}
