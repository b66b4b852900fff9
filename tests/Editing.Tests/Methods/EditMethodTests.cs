using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>The list of methods, and the settings that they refuse.</summary>
public sealed class EditMethodTests
{
    public static TheoryData<string, EditRequest> Unused { get; } = new()
    {
        { nameof(EditRequest.Alignment), new() { Alignment = AlignmentKind.Refine } },
        { nameof(EditRequest.Weights), new() { Weights = [new("castle", 2)] } },
        { nameof(EditRequest.Weights), new() { Prompts = ["a (red:2) castle"] } },
        { nameof(EditRequest.CrossSteps), new() { CrossSteps = CrossReplaceSteps.Parse(["0.5"]) } },
        { nameof(EditRequest.SelfSteps), new() { SelfSteps = StepWindow.Until(0.5) } },
        { nameof(EditRequest.SelfResolution), new() { SelfResolution = 16 } },
        { nameof(EditRequest.SelfUnconditional), new() { SelfUnconditional = true } },
    };

    [Fact]
    public void EachMethodIsFoundByItsName() => Assert.All(EditMethod.Names, name => Assert.Equal(name, EditMethod.Named(name).Name));

    [Fact]
    public void AnUnknownNameListsTheOthers()
    {
        var error = Assert.Throws<InvalidInputException>(() => EditMethod.Named("masa"));
        Assert.Contains("masactrl", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PromptToPromptIsTheDefaultAndReadsAllSettings()
    {
        Assert.IsType<PromptToPromptMethod>(new EditRequest().Method);
        Assert.All(Unused, each => each.Data.Item2.Validate());
    }

    [Theory]
    [InlineData("p2p", 7.5, 6)]
    [InlineData("p2p", 1, 3)]
    // Edits take the prompts' difference in place of guidance, two rows each; of the source, which follows its trajectory, a row is computed for its attention.
    [InlineData("uni-edit", 1, 5)]
    [InlineData("turbo-edit", 7.5, 5)]
    // Two swaps have four concepts.
    [InlineData("ledits++", 7.5, 15)]
    public void TheRowsOfASourceAndTwoEditsAreEstimated(string method, double guidance, int rows) =>
        Assert.Equal(rows, EditMethod.Named(method).RowsOf(edits: 2, new SamplingSettings { Guidance = guidance }));

    [Fact]
    public void ALayoutBranchCountsInTheEstimate() =>
        Assert.Equal((6, 10), (new InfEdit().RowsOf(edits: 2, new SamplingSettings()), new InfEdit { SelfPart = 0.2 }.RowsOf(edits: 2, new SamplingSettings())));

    [Fact]
    public void ALayoutBranchMayHaveGuidanceWhereItsEditHasNone()
    {
        var unguided = new SamplingSettings { Guidance = 1 };
        Assert.Equal((2, 6), (new InfEdit().RowsOf(edits: 1, unguided), new InfEdit { SelfPart = 0.2 }.RowsOf(edits: 1, unguided)));
    }

    [Fact]
    public void GivenConceptsAreCounted() => Assert.Equal(9, new LeditsPlusPlus { Concepts = [EditConcept.Parse("hat")] }.RowsOf(edits: 2, new SamplingSettings()));

    [Fact]
    public void OnlyRowsThatReadEachOtherAreComputedTogetherToSaveMemory()
    {
        EditMethod[] methods = [new PromptToPromptMethod(), new InfEdit(), new InfEdit { SelfPart = 0.2 }, new MasaCtrl { Subject = BlendWords.Parse("cat") }];
        Assert.Equal([0, 0, 10, 6], methods.Select(method => method.RowsTogetherOf(edits: 2, new SamplingSettings())));
        Assert.Equal(0, methods[^1].RowsTogetherOf(edits: 0, new SamplingSettings()));
    }

    [Fact]
    public void AMethodNamesWhatMakesItsRowsIndependent()
    {
        Assert.Equal("leave <Subject> out", new MasaCtrl().RowByRowAdvice(Name));
        Assert.Equal("make <SelfPart> at least as large as <CrossPart>", new InfEdit().RowByRowAdvice(Name));
        Assert.Null(new UniEdit().RowByRowAdvice(Name));

        static string Name(string setting) => $"<{setting}>";
    }

    [Theory]
    [MemberData(nameof(Unused), DisableDiscoveryEnumeration = true)]
    public void ASettingOfPromptToPromptIsRefusedByOtherMethods(string setting, EditRequest edit)
    {
        foreach (var name in EditMethod.Names.Where(name => name != new PromptToPromptMethod().Name))
        {
            var error = Assert.Throws<InvalidInputException>(() => (edit with { Method = EditMethod.Named(name) }).Validate());
            Assert.Equal(setting, error.Setting);
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ASettingOfPromptToPromptMayBeWrittenOutIfItIsTheDefault() =>
        new EditRequest { Method = new MasaCtrl(), CrossSteps = CrossReplaceSteps.Parse(["0.8"]), SelfSteps = StepWindow.Parse("0.4") }.Validate();

    [Theory]
    [InlineData(nameof(MasaCtrl.ShareStart), 1.1, 10, 0.1)]
    [InlineData(nameof(MasaCtrl.ShareLayer), 0.1, 17, 0.1)]
    [InlineData(nameof(MasaCtrl.SubjectThreshold), 0.1, 10, -1.0)]
    public void NumbersOfMasaCtrlHaveBounds(string setting, double start, int layer, double threshold)
    {
        var edit = new EditRequest { Method = new MasaCtrl { ShareStart = start, ShareLayer = layer, SubjectThreshold = threshold } };
        Assert.Equal(setting, Assert.Throws<InvalidInputException>(edit.Validate).Setting);
    }
}
