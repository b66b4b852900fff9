using System.CommandLine;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>The passes of a grid.</summary>
public sealed class CellMakerTests
{
    private const int Steps = 3;
    private const string Prompt = "a red ball in a field", Target = "a blue ball in a field";
    private static readonly UniEdit Uni = new() { EditDepth = 1 };

    [Fact]
    public void AGivenImageRunsOnlyForEditsThatReadIt()
    {
        var model = TinyModel.Shared.Model;
        using var latents = InitialNoise.FromSeed(model, 3, 64, 64);
        using var inverted = InversionMethod.Invert(model, latents, new() { Method = new UniInversion { Depth = 1 }, Prompt = Prompt, Sampling = new() { Steps = Steps, Guidance = 4 } });
        var source = GenerationRequest.Of(inverted);
        Assert.Equal(Enumerable.Repeat(2, 2 * Steps), Rows([Uni, Uni with { Strength = 2 }]));
        Assert.Equal([.. Enumerable.Repeat(1, Steps), .. Enumerable.Repeat(2, 2 * Steps)], Rows([Uni, new PromptToPromptMethod()]));
        Assert.Equal(Enumerable.Repeat(4, Steps), Rows([new MasaCtrl()]));
        // A shallow edit skips a step.
        Assert.Equal([1, 1, 1, 2, 2, 2, 2, 2], Rows([Uni with { EditDepth = 0.7 }, new PromptToPromptMethod()]));

        List<int> Rows(IReadOnlyList<EditMethod> methods)
        {
            Cell[] cells = [.. methods.Select((method, column) => new Cell(0, column, new Command("cell").Parse(""), new(source, new EditRequest { Prompts = [Target], Method = method }, Observation.None), MethodChoice.Usual))];
            using var maker = new CellMaker(model, cells, isGiven: true);
            var (rows, steps, total) = (new List<int>(), new List<int>(), 0);
            maker.Make(() => { }, new Each(step =>
            {
                rows.Add(step.Rows);
                steps.Add(step.Step);
                total = step.Steps;
            }), TestContext.Current.CancellationToken);
            Assert.Equal(Enumerable.Range(1, total), steps);
            Assert.Empty(maker.Failed);
            Assert.Equal(["source.png", .. cells.Select(cell => cell.Name)], maker.Made.Select(image => image.Name));
            return rows;
        }
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
