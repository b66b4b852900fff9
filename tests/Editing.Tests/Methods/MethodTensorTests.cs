using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>No method leaves tensors behind, which would fill a GPU before the garbage collector comes.</summary>
public sealed class MethodTensorTests(MethodFixture fixture) : IClassFixture<MethodFixture>
{
    public static TheoryData<string> Names => [.. EditMethod.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void RunsLeaveNoTensorBehind(string name) => Leaves(EditMethod.Named(name));

    [Fact]
    public void CompanionsLeaveNoTensorBehind() => Leaves(new InfEdit { CrossPart = 0.8, SelfPart = 0.2 });

    private void Leaves(EditMethod method)
    {
        using var picture = fixture.Noise / 2;
        var settings = new InversionSettings { Method = new MethodChoice(null, method.Name).InversionFor(method), Prompt = MethodFixture.Prompt, Sampling = new() { Steps = MethodFixture.Steps, Guidance = MethodFixture.Guidance } };
        var edit = new EditRequest { Prompts = [MethodFixture.Target, "a big red house in a field"], Method = method, Blend = Words(method) };
        Run();
        // What earlier tests left to the collector would go away in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = LiveTensors;
        Run();
        Assert.Equal(before, LiveTensors);

        void Run()
        {
            using var inverted = InversionMethod.Invert(fixture.Model, picture, settings);
            using (EditRun.Execute(fixture.Model, GenerationRequest.Of(inverted), edit))
            {
            }

            using var session = new EditSession(fixture.Model, GenerationRequest.Of(inverted), torch.float32, long.MaxValue);
            using var source = session.NeedsSource(edit) ? session.RunSource() : null;
            using (session.Edit(edit))
            {
            }
        }
    }

    private static BlendWords? Words(EditMethod method) => method is LeditsPlusPlus ? null : BlendWords.Parse("field");
}
