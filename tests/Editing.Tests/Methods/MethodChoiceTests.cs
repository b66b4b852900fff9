using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>The forms of <c>--method</c>.</summary>
public sealed class MethodChoiceTests
{
    [Theory]
    [InlineData("masactrl", null, "masactrl")]
    [InlineData("MasaCtrl", null, "masactrl")]
    [InlineData("p2p", null, "p2p")]
    [InlineData("ddim", "ddim", null)]
    [InlineData("direct+p2p", "direct", "p2p")]
    [InlineData("edit-friendly+masactrl", "edit-friendly", "masactrl")]
    [InlineData("ledits++", null, "ledits++")]
    [InlineData("edit-friendly+LEDITS++", "edit-friendly", "ledits++")]
    public void AMethodIsAnInversionAnEditOrBoth(string text, string? inversion, string? editing) =>
        Assert.Equal(new MethodChoice(inversion, editing), MethodChoice.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("magic")]
    [InlineData("p2p+direct")]
    [InlineData("direct+ddim")]
    [InlineData("direct+p2p+masactrl")]
    [InlineData("ledits++edit-friendly")]
    public void OtherTextIsRefused(string text) => Assert.Throws<FormatException>(() => MethodChoice.Parse(text));

    [Fact]
    public void EveryInversionMethodIsStillAValue() =>
        Assert.All(InversionMethod.Names, name => Assert.Equal(name, MethodChoice.Parse(name).InversionFor().Name));

    [Fact]
    public void NoNameBelongsToBothKinds() => Assert.Empty(InversionMethod.Names.Intersect(EditMethod.Names));

    [Theory]
    [InlineData(null, "null-text")]
    [InlineData("masactrl", "direct")]
    [InlineData("ledits++", "edit-friendly")]
    [InlineData("turbo-edit", "edit-friendly")]
    [InlineData("infedit", "virtual")]
    public void AnImageIsInvertedByTheMethodThatSuitsTheEdit(string? editing, string inversion) =>
        Assert.Equal(inversion, new MethodChoice(null, editing).InversionFor().Name);
}
